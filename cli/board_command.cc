// SPDX-License-Identifier: MIT
#include "cli/board_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>

#include "bench/field/field_run.h"
#include "cli/board_report.h"
#include "cli/interruption.h"
#include "cli/lost_device.h"
#include "cli/sysfs_option.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "cli/version.h"
#include "cli/whole_number.h"
#include "host/backend/linux/linux_live_update.h"
#include "host/backend/linux/small_file.h"
#include "host/backend/linux/system_calls.h"
#include "host/backend/refusal.h"
#include "host/backend/sysfs/sysfs_tree.h"
#include "host/backend/target.h"
#include "pcie/error.h"

namespace holdover::cli {
namespace {

using namespace literals;

constexpr char kFooter[] =
    "Examples:\n"
    "  holdover board check 0000:01:00.0                what is missing for a live update with this board\n"
    "  holdover board run vfio:0000:01:00.0 --jump none --before 1s\n"
    "                                                   the control: the same traffic, and nothing is replaced\n"
    "  holdover board run vfio:0000:01:00.0 --stage 1 --state /root/board.state --kernel /boot/vmlinuz "
    "--initrd /boot/initrd\n"
    "  holdover board run vfio:0000:01:00.0 --stage 2 --state /root/board.state --json verdict.json\n"
    "                                                   before the kexec, and after it\n"
    "\n"
    "The endpoint's own monitor, its memory and its configuration space are the witness; docs/boards.md leads from "
    "the\n"
    "bitstream to the verdict.";

constexpr char kRunFooter[] =
    "Stage 1 starts traffic, preserves everything, writes what it saw to --state FILE and asks for the kexec. It "
    "comes\n"
    "back only where the kexec was refused. Stage 2, under the next kernel, retrieves, finishes, and tells the "
    "verdict.\n"
    "\n"
    "Exit codes: 0 PASS, 1 FAIL, 2 usage, environment or interrupted, 3 INCONCLUSIVE";

struct CheckRequest {
  std::string board;
  std::string sysfs = "/sys";
  bool json = false;
};

pcie::Bdf board_of(const std::string& text) {
  if (text.find("vfio") == std::string::npos) return pcie::Bdf::parse(text);
  const host::Target target = host::Target::parse(text);
  if (target.kind == host::Target::Kind::Vfio) return target.bdf;
  throw Error(ErrorCode::InvalidArgument,
              "board check: " + text + " is a server's socket; a board is named vfio:BDF, or by its BDF alone");
}

int check(const CheckRequest& request) {
  host::KernelSystemCalls calls;
  host::KernelPaths paths;
  paths.sysfs = host::sysfs_root(request.sysfs).string();
  const host::BoardCheck result =
      host::check_board(calls, paths, board_of(request.board), bench::memory_of(bench::FieldOptions{}));
  if (request.json) {
    std::cout << to_json(result);
  } else {
    print(std::cout, result);
  }
  require_written();
  return result.ready() ? 0 : 1;
}

struct RunRequest {
  std::string target;
  unsigned stage = 0;  // 0: not given
  bool control = false;
  int carried = -1;
  host::TargetOptions host;
  bench::FieldOptions field;
  std::optional<Time> heartbeat;
  std::optional<Time> before;
  std::optional<Time> after;
  std::optional<Time> completion_timeout;
  std::string state;
  bool forgotten = false;  // the state is of use to nobody afterwards
  std::string json;
  std::string junit;
  std::string interrupts = "off";
};

// A file that no other program has, for a state that is handed over to nobody but this program's next life.
std::string unnamed_state() {
  std::error_code none;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(none);
  if (none) {
    throw Error(ErrorCode::Unavailable,
                "board run: there is no folder for temporary files: set TMPDIR to one, or name a file with --state");
  }
  std::string path = (folder / "holdover-state-XXXXXX").string();
  const int descriptor = mkstemp(path.data());
  if (descriptor < 0) {
    throw Error(ErrorCode::Unavailable, "board run: no file can be made at " + path + " (" + host::errno_name(errno) +
                                            "); name another place with --state");
  }
  close(descriptor);
  return path;
}

// Removes the state at the end, but not where an execve() takes this program's place.
class ForgottenState {
 public:
  explicit ForgottenState(const RunRequest& request) : path_(request.forgotten ? request.state : std::string()) {}
  ForgottenState(const ForgottenState&) = delete;
  ForgottenState& operator=(const ForgottenState&) = delete;
  ~ForgottenState() {
    if (!path_.empty()) static_cast<void>(std::remove(path_.c_str()));
  }

 private:
  std::string path_;
};

int answer(const bench::FieldReport& report) {
  bench::print(std::cout, report, colours());
  require_written("use --json FILE");
  return bench::exit_code(report);
}

int run(RunRequest request) {
  const host::Target target = host::Target::parse(request.target);
  const ForgottenState forgotten(request);
  const SignalsAreRequests signals;
  bench::FieldOptions& field = request.field;
  field.target = target.to_string();
  field.state = request.state;
  field.json = request.json;
  field.junit = request.junit;
  field.interrupts_off = request.interrupts == "off";
  field.jump = !request.control;
  field.version = kVersion;
  field.commit = kCommit;
  const bool server = target.kind == host::Target::Kind::VfioUser;
  if (server) {
    // Time is that of a simulation: as much of it as shows what there is to see.
    field.heartbeat = 20_us;
    field.before = 1_ms;
    field.after = 1_ms;
    field.completion_timeout = 200_us;
  }
  field.heartbeat = request.heartbeat.value_or(field.heartbeat);
  field.before = request.before.value_or(field.before);
  field.after = request.after.value_or(field.after);
  field.completion_timeout = request.completion_timeout.value_or(field.completion_timeout);
  if (server && (request.stage == 1 || (request.stage == 2 && request.carried < 0))) {
    throw Error(ErrorCode::InvalidArgument,
                "board run: both stages of a server's device are one command; leave --stage away");
  }
  request.host.carried = request.carried;
  if (!server && !request.control && request.stage == 0) {
    throw Error(ErrorCode::InvalidArgument,
                "board run: say --stage 1 before the kexec and --stage 2 after it, or --jump none for the control");
  }
  if (request.control && request.stage == 2) {
    throw Error(ErrorCode::InvalidArgument, "board run: --jump none replaces nothing, there is no --stage 2");
  }
  bench::validate(field);
  const LostDeviceEnds lost;
  request.host.stop = &SignalsAreRequests::requested();
  host::KernelSystemCalls calls;
  if (!server) {
    field.boot_id = host::boot_id(calls);
    if (!request.control) host::require_live_update_free(calls);
  }
  std::deque<std::string> console;
  field.console = &console;
  request.host.print = [&console](std::string_view line) {
    constexpr std::size_t kMost = 200;
    console.emplace_back(line);
    if (console.size() > kMost) console.pop_front();
    std::cerr << line << '\n';
  };
  if (request.stage != 2) {
    request.host.parameters = bench::parameters(field);
    const auto opened = host::open_target(target, request.host);
    const bench::FieldReport report = bench::run_before_kexec(opened->system(), field);
    return answer(report);
  }
  const bench::FieldState state = bench::load_field_state(field.state);
  const std::string before(bench::text_of(state.bdf));
  if (target.kind == host::Target::Kind::Vfio && before != target.bdf.to_string()) {
    throw Error(ErrorCode::InvalidArgument, "--state: " + request.state + " was written for the board at " + before +
                                                ", and not for " + target.to_string());
  }
  bench::require_unjudged(state, field.boot_id, field.state);
  request.host.parameters = bench::text_of(state.parameters);
  const auto opened = host::open_target(target, request.host);
  const bench::FieldReport report = bench::run_after_kexec(opened->system(), field, state);
  return answer(report);
}

void add_time(CLI::App* verb, const std::string& name, const std::string& sentence, std::function<void(Time)> take) {
  verb->add_option_function<std::string>(
          name,
          [name, take = std::move(take)](const std::string& text) {
            const std::optional<Time> time = parse_time(text);
            if (!time) {
              throw Error(ErrorCode::InvalidArgument,
                          name + ": «" + text + "» is not possible; it takes " + std::string(kTimeForms));
            }
            take(*time);
          },
          sentence)
      ->type_name("TIME");
}

CLI::App* add_check(CLI::App& board, const std::shared_ptr<CheckRequest>& request) {
  CLI::App* verb = board.add_subcommand("check", "What a live update with a board needs, and what is there");
  verb->footer("Changes nothing. Exit codes: 0 everything is there, 1 something is missing, 2 usage or no such board");
  verb->add_option("board", request->board, "BDF, or vfio:BDF")->required();
  verb->add_option("--sysfs", request->sysfs, kSysfsOption)->type_name("PATH");
  verb->add_flag("--json", request->json, "For programs, on standard output");
  return verb;
}

CLI::App* add_run(CLI::App& board, const std::shared_ptr<RunRequest>& request) {
  CLI::App* verb = board.add_subcommand("run", "Continuity of a board's DMA over a kexec of the real kernel");
  verb->footer(kRunFooter);
  verb->add_option("target", request->target, "BDF, vfio:BDF or vfio-user:PATH")->required();
  verb->add_option("--stage", request->stage, "1 before the kexec, 2 after it")
      ->type_name("N")
      ->check(CLI::IsMember(std::vector<unsigned>{1, 2}));
  // What the program before this one left, where a server's device is handed over by execve().
  verb->add_option("--carried", request->carried)->group("");
  verb->add_flag("--forgotten", request->forgotten)->group("");
  verb->add_option("--state", request->state,
                   "What stage 1 leaves to stage 2, on a disk that survives (vfio-user: a temporary file)")
      ->type_name("FILE");
  verb->add_option_function<std::string>(
          "--jump", [request](const std::string& text) { request->control = text == "none"; },
          "kexec (default), or none: the control")
      ->type_name("JUMP")
      ->check(CLI::IsMember(std::vector<std::string>{"kexec", "none"}));
  verb->add_option("--kernel", request->host.kernel, "Image that is entered (default: the one that is loaded)")
      ->type_name("FILE")
      ->group("The next kernel");
  verb->add_option("--initrd", request->host.initrd, "Its initrd")->type_name("FILE")->group("The next kernel");
  verb->add_option("--command-line", request->host.command_line, "Its command line (default: the running kernel's)")
      ->type_name("TEXT")
      ->group("The next kernel");
  bench::FieldOptions& field = request->field;
  verb->add_option("--seed", field.seed, "Of data patterns (default 1)")
      ->type_name("N")
      ->check(whole_number(0))
      ->group("Traffic");
  verb->add_option("--bulk", field.bulk, "Directions of the bulk channels (default c2h,h2c)")
      ->type_name("LIST")
      ->group("Traffic");
  verb->add_option("--transfer", field.transfer, "Bytes of every descriptor, 1 to 16384 (default 0: a mixture)")
      ->type_name("BYTES")
      ->check(whole_number(0))
      ->group("Traffic");
  add_time(verb, "--heartbeat", "Period of the records (default 1ms; the ring holds 65535 of them)",
           [request](Time time) { request->heartbeat = time; });
  add_time(verb, "--before", "Steady traffic before the first preserve (default 5s)",
           [request](Time time) { request->before = time; });
  add_time(verb, "--after", "Traffic after the finish (default 2s)", [request](Time time) { request->after = time; });
  add_time(verb, "--completion-timeout", "After this the endpoint gives a read up (default 10ms)",
           [request](Time time) { request->completion_timeout = time; });
  add_time(verb, "--silence-limit", "Longest silence of the heartbeat that passes (default: twice the steady one)",
           [request](Time time) { request->field.silence_limit = time; });
  verb->add_option("--interrupts-at-freeze", request->interrupts,
                   "off (default), as the posted VFIO series demands; keep")
      ->type_name("WHAT")
      ->check(CLI::IsMember(std::vector<std::string>{"off", "keep"}));
  verb->add_option("--json", request->json, "The record of the verdict")->type_name("FILE");
  verb->add_option("--junit", request->junit, "The verdict as JUnit XML")->type_name("FILE");
  return verb;
}

}  // namespace

Command add_board_command(CLI::App& app, const std::string& program) {
  CLI::App* verb = app.add_subcommand("board", "A board of this machine: what it needs, and its verdict");
  verb->footer(kFooter);
  verb->require_subcommand(1);
  const auto checked = std::make_shared<CheckRequest>();
  const auto ran = std::make_shared<RunRequest>();
  CLI::App* const check_verb = add_check(*verb, checked);
  CLI::App* const run_verb = add_run(*verb, ran);
  return {verb, [=] {
            if (check_verb->parsed()) return check(*checked);
            ran->host.again = {program, "board", "run", ran->target, "--stage", "2", "--carried", "{}"};
            ran->field.command = program + " board run " + ran->target;
            const bool server = host::Target::parse(ran->target).kind == host::Target::Kind::VfioUser;
            if (server && ran->stage == 0 && !ran->control && ran->state.empty()) {
              ran->state = unnamed_state();
              ran->forgotten = true;
              ran->host.again.insert(ran->host.again.end(), {"--state", ran->state, "--forgotten"});
            }
            for (const CLI::Option* option : run_verb->get_options()) {
              if (option->get_positional() || option->count() == 0 || option->get_name() == "--carried" ||
                  option->get_name() == "--forgotten") {
                continue;
              }
              ran->field.command += " " + option->get_name() + " '" + option->as<std::string>() + "'";
              if (option->get_name() == "--stage") continue;
              ran->host.again.insert(ran->host.again.end(), {option->get_name(), option->as<std::string>()});
            }
            return run(*ran);
          }};
}

}  // namespace holdover::cli
