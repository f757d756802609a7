// SPDX-License-Identifier: MIT
// `Model`: what Verilator made of sim_top, for the source that includes this: the endpoint that is built in, the same
// with waveforms (HOLDOVER_TRACED), or one of another size (HOLDOVER_MODEL).
#pragma once

#if defined HOLDOVER_MODEL
#include HOLDOVER_MODEL_HEADER
#elif defined HOLDOVER_TRACED
#include "Vholdover_model_traced.h"
#else
#include "Vholdover_model.h"
#endif
#ifdef HOLDOVER_TRACED
#include <verilated_fst_c.h>
#endif
#include <verilated.h>

namespace holdover::sim {

#if defined HOLDOVER_MODEL
using Model = HOLDOVER_MODEL;
#elif defined HOLDOVER_TRACED
using Model = Vholdover_model_traced;
#else
using Model = Vholdover_model;
#endif

}  // namespace holdover::sim
