// SPDX-License-Identifier: MIT
#include "host/backend/refusal.h"

#include <cstring>

#include "pcie/error.h"

namespace holdover::host {

std::string errno_name(int error) {
  const char* const name = strerrorname_np(error);
  return name != nullptr ? std::string(name) : "error " + std::to_string(error);
}

void refuse(int error, const std::string& call, std::string_view way_out) {
  std::string sentence = "The kernel refused " + call + " with " + errno_name(error);
  if (!way_out.empty()) sentence += "; " + std::string(way_out);
  throw Error(ErrorCode::Refused, sentence + ".", error);
}

std::int64_t require(std::int64_t answer, const std::string& call, std::string_view way_out) {
  if (answer < 0) refuse(static_cast<int>(-answer), call, way_out);
  return answer;
}

void check_errno(int error, const std::string& call) {
  if (error != 0) refuse(error, call);
}

}  // namespace holdover::host
