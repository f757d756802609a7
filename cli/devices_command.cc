// SPDX-License-Identifier: MIT
#include "cli/devices_command.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "bench/output_file.h"
#include "cli/devices_report.h"
#include "cli/sysfs_option.h"
#include "host/backend/sysfs/survey.h"
#include "host/backend/sysfs/sysfs_tree.h"

namespace holdover::cli {
namespace {

constexpr char kSysfs[] = "/sys";
constexpr char kFooter[] =
    "Reads the tree through libpci and changes nothing. A function can be used where it is a Holdover endpoint (by "
    "the\n"
    "vendor-specific capability that describes its monitor), vfio-pci has it, its IOMMU group is its own, and the\n"
    "device files of VFIO are open to the user; what is not so stands below it, with what helps.\n"
    "\n"
    "Examples:\n"
    "  holdover devices                       this machine\n"
    "  holdover devices --sysfs /tmp/pci      a simulated one, see `holdover mount`; /tmp/pci/bus/pci is the same\n"
    "  holdover devices --json devices.json   the same for programs\n"
    "\n"
    "Exit codes: 0 told, 2 usage or environment";

struct Request {
  std::filesystem::path sysfs = kSysfs;
  std::filesystem::path json;
};

int run(const Request& request) {
  if (!request.json.empty()) bench::require_writable("--json", request.json);
  std::error_code error;
  const bool here = std::filesystem::equivalent(host::sysfs_root(request.sysfs), kSysfs, error);
  const std::vector<host::SurveyedFunction> functions =
      host::survey(request.sysfs, here, host::surroundings_of_this_process());
  print_devices(std::cout, functions);
  require_written("use --json FILE");
  if (!request.json.empty()) bench::write_whole("--json", request.json, devices_json(functions));
  return 0;
}

}  // namespace

Command add_devices_command(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("devices", "List PCI functions, and what stands in the way of using them");
  verb->footer(kFooter);
  const auto request = std::make_shared<Request>();
  verb->add_option("--sysfs", request->sysfs, kSysfsOption)->type_name("PATH");
  verb->add_option("--json", request->json, "The record")->type_name("FILE");
  return {verb, [request] { return run(*request); }};
}

}  // namespace holdover::cli
