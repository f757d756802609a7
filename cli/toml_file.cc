// SPDX-License-Identifier: MIT
#include "cli/toml_file.h"

#include <cstdint>
#include <fstream>
#include <sstream>
#include <system_error>

#include "pcie/error.h"

namespace holdover::cli {
namespace {

constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 20;

}  // namespace

std::string place(const std::filesystem::path& path, const toml::source_region& source) {
  return path.string() + ":" + std::to_string(source.begin.line);
}

toml::table read_toml_file(const std::filesystem::path& path) {
  const std::string where = path.string();
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw Error(ErrorCode::Unavailable,
                where + " is " + (std::filesystem::is_directory(status) ? "a directory" : "no regular file") +
                    "; it takes a TOML file");
  }
  if (std::filesystem::file_size(path, error) > kMostBytes && !error) {
    throw Error(ErrorCode::Unavailable, where + " is larger than 1 MiB; it takes a TOML file written by hand");
  }
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  if (!stream || !(text << stream.rdbuf() || stream.peek() == std::ifstream::traits_type::eof())) {
    throw Error(ErrorCode::Unavailable, where + " cannot be read; it takes a TOML file");
  }
  try {
    return toml::parse(text.str(), path.string());
  } catch (const toml::parse_error& problem) {
    throw Error(ErrorCode::InvalidArgument,
                place(path, problem.source()) + ": this is no TOML: " + std::string(problem.description()));
  }
}

}  // namespace holdover::cli
