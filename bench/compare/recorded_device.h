// SPDX-License-Identifier: MIT
// What a log tells about the device itself.
#pragma once

#include <string>
#include <vector>

#include "bench/compare/config_log.h"
#include "bench/compare/register_names.h"
#include "sim/witness.h"

namespace holdover::bench {

// Sets the straps of `endpoint` as far as writes and what registers became tell them; the others as those of the
// endpoint «recorded». `unlike` gets a sentence for each trait that no strap can imitate.
void deduce_device(const ConfigLog& log, const RegisterNames& names, sim::EndpointConfig& endpoint,
                   std::vector<std::string>& unlike);

}  // namespace holdover::bench
