// SPDX-License-Identifier: MIT
// The targets without libFuzzer:
//   fuzz_replay TARGET CORPUS_FOLDER [FILE...]   each file of the corpus (or these), then as many mutations of them as
//                                                the target says, from a fixed seed
//   fuzz_replay --seeds FOLDER                   writes the generator's part of the corpus
// Ends with 1 for a wrong call. A property that does not hold aborts, with the input in hexadecimal.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fuzz/damage.h"
#include "tests/fuzz/target.h"
#include "tests/unit/host/successive_kernels.h"

namespace {

using holdover::fuzz::Edit;
using holdover::fuzz::Input;
using holdover::fuzz::kEditBytes;
using holdover::fuzz::Target;
using Sequence = holdover::host::kernel::testing::Sequence;

constexpr std::uint64_t kSeed = 1;
constexpr std::size_t kLongest = 400;

std::string running;  // what the handler of SIGABRT says

void say_input(int) { std::fputs(running.c_str(), stderr); }

void run(const Target& target, const Input& input, const std::string& name) {
  running = std::string(target.name) + ": " + name + ": ";
  for (const std::uint8_t byte : input) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", unsigned{byte});
    running += digits;
  }
  running += '\n';
  target.run(input);
}

Input read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Input(std::istreambuf_iterator<char>(file), {});
}

// Values that bounds are broken with, small ones most of all.
std::uint64_t value(Sequence& random) {
  constexpr std::uint64_t kEdges[] = {0, 1, 2, 63, 64, 511, 512, 4095, 4096, 0xffff, 0xffff'ffff, 1ull << 40, ~0ull};
  switch (random.below(4)) {
    case 0:
      return kEdges[random.below(std::size(kEdges))];
    case 1:
      return random.below(1024) * 4096;
    case 2:
      return random.below(256);
    default:
      return random.next();
  }
}

void append_edit(Input& input, Sequence& random) {
  std::uint8_t edit[kEditBytes];
  edit[0] = static_cast<std::uint8_t>(random.below(static_cast<std::uint64_t>(Edit::Count)));
  edit[1] = static_cast<std::uint8_t>(random.next());
  const auto offset = static_cast<std::uint16_t>(random.below(random.below(2) == 0 ? 80 : 4096));
  const std::uint64_t stored = value(random);
  std::memcpy(edit + 2, &offset, sizeof offset);
  std::memcpy(edit + 4, &stored, sizeof stored);
  input.insert(input.end(), std::begin(edit), std::end(edit));
}

Input mutated(const Target& target, Input input, Sequence& random) {
  if (input.empty() || random.below(4) == 0) input.assign(1, static_cast<std::uint8_t>(random.below(target.variants)));
  if (input.size() > kLongest) input.resize(kLongest);
  for (std::uint64_t left = 1 + random.below(4); left > 0; --left) {
    if (random.below(3) != 0) {
      append_edit(input, random);
    } else {
      input[random.below(input.size())] = static_cast<std::uint8_t>(random.next());
    }
  }
  return input;
}

int replay(const Target& target, const std::filesystem::path& folder, int files, char** names) {
  std::vector<std::filesystem::path> paths(names, names + files);
  if (files == 0 && std::filesystem::is_directory(folder)) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Input> corpus{Input{}};
  run(target, corpus[0], "empty");
  for (const auto& path : paths) {
    corpus.push_back(read(path));
    run(target, corpus.back(), path.filename().string());
  }
  Sequence random(kSeed);
  const unsigned rounds = files == 0 ? target.rounds : 0;
  for (unsigned round = 0; round < rounds; ++round) {
    run(target, mutated(target, corpus[random.below(corpus.size())], random), "mutation " + std::to_string(round));
  }
  std::printf("%s: %zu inputs and %u mutations\n", std::string(target.name).c_str(), corpus.size(), rounds);
  return 0;
}

// A call of the ioctl target.
void append_call(Input& input, int descriptor, unsigned request, std::initializer_list<std::uint32_t> words) {
  input.push_back(static_cast<std::uint8_t>(descriptor));
  input.push_back(static_cast<std::uint8_t>(request));
  input.push_back(static_cast<std::uint8_t>(request >> 8));
  input.push_back(static_cast<std::uint8_t>(words.begin()[0]));
  const std::size_t begin = input.size();
  input.resize(begin + words.begin()[0]);
  for (std::size_t word = 0; word < words.size() && 4 * (word + 1) <= words.begin()[0]; ++word) {
    std::memcpy(input.data() + begin + 4 * word, words.begin() + word, 4);
  }
}

int write_seeds(const std::filesystem::path& folder) {
  for (const Target& target : holdover::fuzz::targets()) {
    std::filesystem::create_directories(folder / target.name);
    const auto write = [&](const std::string& name, const Input& input) {
      std::ofstream file(folder / target.name / name, std::ios::binary);
      file.write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
    };
    if (target.name == "luo_ioctl") {
      Input calls;
      append_call(calls, 3, 0xba00, {72, 0, 0x6978});                          // create «xi»: descriptor 7
      append_call(calls, 7, 0xba40, {16, 4, 1, 0});                            // preserve
      append_call(calls, 7, 0xba43, {72, 0});                                  // name
      append_call(calls, 3, 0xba01, {72, 0, 0x73736573, 0x206e6f69, 0x3037});  // retrieve «session 70»: 8
      append_call(calls, 8, 0xba41, {16, 0, 1, 0});
      append_call(calls, 8, 0xba42, {8, 0});
      append_call(calls, 7, 0xffff, {0});
      write("calls", calls);
      continue;
    }
    for (unsigned variant = 0; variant < target.variants; ++variant) {
      const std::string prefix = target.variants > 1 ? "variant-" + std::to_string(variant) + "-" : "";
      write(prefix + "valid", {static_cast<std::uint8_t>(variant)});
      Sequence random(variant);
      Input edits{static_cast<std::uint8_t>(variant)};
      for (unsigned edit = 0; edit < 4; ++edit) append_edit(edits, random);
      write(prefix + "edits", edits);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGABRT, say_input);
  if (argc == 3 && std::string(argv[1]) == "--seeds") return write_seeds(argv[2]);
  const Target* const target = argc < 3 ? nullptr : holdover::fuzz::find_target(argv[1]);
  if (target == nullptr) {
    std::fputs("fuzz_replay: say TARGET and CORPUS_FOLDER, or --seeds and FOLDER; targets are:\n", stderr);
    for (const Target& known : holdover::fuzz::targets()) {
      std::fprintf(stderr, "  %-16s %s\n", std::string(known.name).c_str(), std::string(known.what).c_str());
    }
    return 1;
  }
  return replay(*target, argv[2], argc - 3, argv + 3);
}
