// SPDX-License-Identifier: MIT
// holdover-speed: how fast the whole bench is, beside the bare Verilated model under the pins of the same run.
//
// Then what a client of a vfio-user server waits for one access. Three passes over one configuration: the bench as it
// is, the bench while it records the endpoint's input pins, and the model alone under that record. Rates count
// processor time of this process, so that another load on the machine changes little.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/run.h"
#include "cli/access_speed.h"
#include "cli/version.h"
#include "pcie/error.h"
#include "sim/pin_replay.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code none;
    const std::filesystem::path folder = std::filesystem::temp_directory_path(none);
    std::string name = (folder / "holdover-speed-XXXXXX").string();
    if (none || ::mkdtemp(name.data()) == nullptr) {
      throw Error{ErrorCode::Unavailable,
                  "no temporary folder can be made" + (none ? "" : " below " + folder.string()) + "; set TMPDIR"};
    }
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;  // nobody is left to be told
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Rate {
  Cycles clocks;
  std::uint64_t microseconds = 0;  // of processor time

  [[nodiscard]] std::uint64_t per_second() const {
    return clocks.count() * 1'000'000 / (microseconds == 0 ? 1 : microseconds);
  }
};

template <typename Work>
Rate timed(Work work) {
  const std::clock_t begin = std::clock();
  Rate rate;
  rate.clocks = work();
  rate.microseconds =
      static_cast<std::uint64_t>(std::clock() - begin) * 1'000'000 / static_cast<std::uint64_t>(CLOCKS_PER_SEC);
  return rate;
}

Cycles judged_run(const bench::RunOptions& options, const std::filesystem::path& pins) {
  const bench::Report report = bench::run(options, [&](const sim::MachineConfig& config, sim::Witness& witness) {
    sim::MachineConfig recorded = config;
    recorded.pins = pins;
    return sim::build_machine(recorded, witness);
  });
  if (report.verdict.outcome != bench::Outcome::Pass) {
    throw Error{ErrorCode::Unavailable, "the run did not PASS, so its speed says nothing: " + report.verdict.headline};
  }
  return report.clocks;
}

void print_row(const char* name, const Rate& rate, const Rate& bare) {
  std::printf("%-14s %10llu clocks %9llu us %9llu clocks/s %6.2f of the bare model\n", name,
              static_cast<unsigned long long>(rate.clocks.count()), static_cast<unsigned long long>(rate.microseconds),
              static_cast<unsigned long long>(rate.per_second()),
              static_cast<double>(rate.per_second()) / static_cast<double>(bare.per_second()));
}

void print_times(const char* name, const AccessTimes& times) {
  std::printf("%-14s %10lld us median %6lld us longest, over vfio-user\n", name,
              static_cast<long long>(times.median.count()), static_cast<long long>(times.longest.count()));
}

int measure(const bench::RunOptions& options, bool json) {
  const TemporaryFolder folder;
  const std::filesystem::path pins = folder.path() / "pins";
  const Rate whole = timed([&] { return judged_run(options, {}); });
  judged_run(options, pins);
  sim::PinReplay replay{pins};
  const Rate bare = timed([&] { return replay.run().clocks; });
  const AccessSpeed accesses = measure_accesses(folder.path());
  if (json) {
    const auto row = [](const Rate& rate) {
      return nlohmann::ordered_json{{"clocks", rate.clocks.count()},
                                    {"processor_time_us", rate.microseconds},
                                    {"clocks_per_second", rate.per_second()}};
    };
    const auto access = [](const AccessTimes& times) {
      return nlohmann::ordered_json{{"median_us", times.median.count()}, {"longest_us", times.longest.count()}};
    };
    std::cout << nlohmann::ordered_json{{"version", kVersion},
                                        {"topology", options.topology},
                                        {"seed", options.seed},
                                        {"whole_bench", row(whole)},
                                        {"bare_model", row(bare)},
                                        {"vfio_user",
                                         {{"config_read", access(accesses.config_read)},
                                          {"config_space", access(accesses.config_space)},
                                          {"register_read", access(accesses.register_read)},
                                          {"register_write", access(accesses.register_write)}}}}
                     .dump(2)
              << '\n';
    return 0;
  }
  print_row("whole bench", whole, bare);
  print_row("bare model", bare, bare);
  print_times("config read", accesses.config_read);
  print_times("config space", accesses.config_space);
  print_times("register read", accesses.register_read);
  print_times("register write", accesses.register_write);
  return 0;
}

}  // namespace
}  // namespace holdover::cli

int main(int argc, char** argv) {
  using namespace holdover;
  CLI::App app{"Clocks per second of the whole bench, and of the bare model under the pins of the same run."};
  bench::RunOptions options;
  options.isolation = bench::Isolation::InProcess;
  bool json = false;
  app.add_option("--seed", options.seed, "Seed of the run")->capture_default_str();
  app.add_flag("--json", json, "Print JSON instead of a table");
  try {
    app.parse(argc, argv);
    return cli::measure(options, json);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const Error& error) {
    std::cerr << "holdover-speed: " << error.what() << '\n';
    return 2;
  }
}
