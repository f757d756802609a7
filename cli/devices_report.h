// SPDX-License-Identifier: MIT
// What `holdover devices` found, for people and for programs.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "host/backend/sysfs/survey.h"

namespace holdover::cli {

void print_devices(std::ostream& out, const std::vector<host::SurveyedFunction>& functions);
[[nodiscard]] std::string devices_json(const std::vector<host::SurveyedFunction>& functions);

}  // namespace holdover::cli
