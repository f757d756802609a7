// SPDX-License-Identifier: MIT
// Q2: the same update with and without the driver's retrieve call, where the table was adopted and where it was not.
#include <algorithm>

#include "bench/questions/verbs/experiments.h"
#include "bench/questions/verbs/kernel_bench.h"
#include "bench/questions/verbs/set_up.h"
#include "bench/questions/verbs/wording.h"

namespace holdover::bench {
namespace {

using host::kernel::LuoSession;

constexpr const char* kStages[] = {"boot", "retrieve", "finish", "next preserve", "next boot"};
// A kernel that looks for its table under another name: to it no function was handed over.
constexpr const char* kNoTable = " policy=pci-string=pci";

struct Update {
  std::vector<std::string> verbs;  // each with its answer
  int retrieve = 0;
  std::vector<std::string> writes;  // of all stages
  std::vector<std::string> lines;   // that the kernel wrote about PCI
};

Update run(const Laboratory& laboratory, const std::string& first, const std::string& second) {
  KernelBench bench(laboratory);
  LuoSession* session = nullptr;
  const bool preserved = bench.boot(first) && bench.open(0) == 0 && bench.create_session("s", session) == 0 &&
                         bench.preserve(*session, 0) == 0;
  require(preserved, "an endpoint is preserved by the first kernel");
  Update update;
  const auto verb = [&](const std::string& name, int answer) {
    update.verbs.push_back(name + " " + errno_text(answer));
    return answer;
  };
  bench.begin_stage("boot");
  if (verb("kexec", bench.kexec(second)) != 0) return update;
  bench.begin_stage("retrieve");
  if (verb("retrieve_session", bench.retrieve_session("s", session)) != 0) return update;
  update.retrieve = verb("retrieve", bench.retrieve(*session, 0));
  bench.begin_stage("finish");
  const int finish = verb("finish", session->finish());
  for (const std::string& line : bench.console()) {
    if (line.starts_with("PCI: ")) update.lines.push_back(line);
  }
  if (finish == 0) {
    bench.begin_stage("next preserve");
    verb("create_session", bench.create_session("s", session));
    verb("preserve", bench.preserve(*session, 0));
    bench.begin_stage("next boot");
    verb("kexec", bench.kexec(first));
    const bool incoming = bench.kernel().live_update().pci().is_incoming(bench.bdf("endpoint 0"));
    update.verbs.push_back(incoming ? "incoming again" : "not incoming");
  }
  for (const char* stage : kStages) {
    for (const std::string& write : bench.writes(stage)) update.writes.push_back(std::string(stage) + ": " + write);
  }
  return update;
}

std::string describe(const Update& update) {
  return join(update.verbs) + "; " + count_of(update.writes.size(), "configuration write") +
         (update.lines.empty() ? "" : "; «" + update.lines.back() + "»");
}

std::string first_difference(const Update& a, const Update& b) {
  for (std::size_t index = 0; index < std::max(a.writes.size(), b.writes.size()); ++index) {
    const std::string in_a = index < a.writes.size() ? a.writes[index] : "nothing";
    const std::string in_b = index < b.writes.size() ? b.writes[index] : "nothing";
    if (in_a != in_b) return in_a + " against " + in_b;
  }
  return "none";
}

Answer examine_q02(const Laboratory& laboratory, const std::string& with, const std::string& without) {
  Answer answer;
  const Update called = run(laboratory, with, with);
  const Update uncalled = run(laboratory, without, without);
  const Update called_unknown = run(laboratory, with, with + kNoTable);
  const Update uncalled_unknown = run(laboratory, without, without + kNoTable);
  answer.observations = {
      {"table adopted, with the call", describe(called)},
      {"table adopted, without it", describe(uncalled)},
      {"table adopted, first difference of configuration writes", first_difference(called, uncalled)},
      {"no table found, with the call", describe(called_unknown)},
      {"no table found, without it", describe(uncalled_unknown)}};
  answer.decided = called.retrieve == 0 && uncalled.retrieve == 0 && !called.writes.empty();
  const bool verbs_alike = called.verbs == uncalled.verbs;
  const bool writes_alike = called.writes == uncalled.writes;
  if (verbs_alike && writes_alike) {
    answer.sentence = "Nothing where the function was handed over: all " +
                      count_of(called.writes.size(), "configuration write") +
                      " and the answers of all later verbs are "
                      "the same without it.";
  } else {
    answer.sentence = std::string("Without it ") + (writes_alike ? "" : "the configuration writes differ") +
                      (writes_alike || verbs_alike ? "" : " and ") +
                      (verbs_alike ? "" : "later verbs answer otherwise") + ".";
  }
  if (called_unknown.retrieve != 0 && uncalled_unknown.retrieve == 0) {
    answer.sentence += " It is a check alone: where the core does not know the function, it refuses the file with " +
                       errno_text(called_unknown.retrieve) + ", which user space gets without it.";
  } else if (called_unknown.retrieve != 0) {
    answer.sentence += " Where the core does not know the function, the file is refused with " +
                       errno_text(called_unknown.retrieve) + ", and without it with " +
                       errno_text(uncalled_unknown.retrieve) + ".";
  } else {
    answer.sentence += " It does not even refuse a function that the core does not know.";
  }
  return answer;
}

}  // namespace

Answer ask_q02(const Laboratory& laboratory, const std::string& with, const std::string& without) {
  return settle([&] { return examine_q02(laboratory, with, without); });
}

Answer ask_q02(const Laboratory& laboratory) {
  return ask_q02(laboratory, "profile=pci-v3", "profile=pci-v3 policy=pci-driver-question=none");
}

}  // namespace holdover::bench
