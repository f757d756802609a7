// SPDX-License-Identifier: MIT
// Sessions, files and the FLB table of LUO, and its ioctls.
#include "host/kernel/luo/luo.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>
#include <set>

#include "host/kernel/errno.h"
#include "host/kernel/luo/decode.h"
#include "host/kernel/luo/ioctl.h"
#include "host/kernel/luo/uapi.h"
#include "host/kernel/panic.h"
#include "tests/fuzz/kernels.h"
#include "tests/fuzz/target.h"

namespace holdover::fuzz {
namespace {

using namespace host::kernel;
using testing::Memory;

class PlainFile : public OpenFile<KernelFile> {
 public:
  void release() override {}
};

// Hands over a number per file.
class PlainHandler : public FileHandler {
 public:
  explicit PlainHandler(std::string_view name) : name_(name) {}
  [[nodiscard]] std::string_view compatible() const override { return name_; }
  [[nodiscard]] bool can_preserve(const KernelFile& file) const override {
    return name_ == "plain-v1" && dynamic_cast<const PlainFile*>(&file) != nullptr;
  }
  [[nodiscard]] int preserve(FileState& state) override {
    state.handle = state.token + 1000;
    return 0;
  }
  void unpreserve(FileState&) override {}
  [[nodiscard]] int retrieve(FileState& state) override {
    if (state.handle % 7 == 3) return EIO;
    state.file = &files_->add(std::make_unique<PlainFile>());
    return 0;
  }
  void finish(FileState&) override {}
  void use(FileTable& files) { files_ = &files; }

 private:
  std::string_view name_;
  FileTable* files_ = nullptr;
};

class PlainFlb : public Flb {
 public:
  [[nodiscard]] std::string_view compatible() const override { return "flb-v1"; }
  [[nodiscard]] int preserve(std::uint64_t& data) override {
    data = 5;
    return 0;
  }
  void unpreserve(std::uint64_t) override {}
  [[nodiscard]] int retrieve(std::uint64_t data) override {
    require(!held_, "retrieved once");
    if (data % 7 == 3) return EIO;
    held_ = true;
    return 0;
  }
  void finish(std::uint64_t) override {
    require(held_, "finished once, after it was retrieved");
    held_ = false;
  }

 private:
  bool held_ = false;
};

// A kernel with LUO, a handler with an FLB, one without, and user space. Throws Panic as Luo does.
struct LuoKernel : SmallKernel {
  explicit LuoKernel(Memory& memory)
      : SmallKernel(memory), luo(kho, [this](std::string_view line) { console.emplace_back(line); }) {
    plain.use(files);
    other.use(files);
    require(luo.register_handler(plain) == 0 && luo.register_handler(other) == 0 && luo.register_flb(plain, flb) == 0,
            "handlers are registered");
  }
  ~LuoKernel() { files.abandon(); }

  FileTable files;
  DescriptorTable descriptors;
  PlainHandler plain{"plain-v1"};
  PlainHandler other{"other-v1"};
  PlainFlb flb;
  Luo luo;
  LuoIoctl ioctl{luo, files, descriptors};
};

// Three sessions of 70, 2 and no files.
struct Handed {
  Handed() : memory(kSmallDram) {
    LuoKernel first(memory);
    for (const unsigned count : {70u, 2u, 0u}) {
      LuoSession* session = nullptr;
      require(first.luo.create_session("session " + std::to_string(count), session) == 0, "there is room");
      for (unsigned token = 0; token < count; ++token) {
        require(session->preserve(&first.files.add(std::make_unique<PlainFile>()), token) == 0, "there is room");
      }
    }
    require(first.luo.freeze() == 0, "nothing refuses the freeze");
    fdt = first.kho.fdt();
    what = damageable(memory.dram(), fdt);
    memory.jump(fdt);
  }

  Memory memory;
  PhysicalAddress fdt;
  Damageable what;
};

// open(), every session, every token, finish. What each may answer stands in luo.h.
void use(LuoKernel& next, const std::optional<HandedLiveUpdate>& handed) {
  const bool handed_over = next.luo.liveupdate_number() != 0;
  if (next.luo.get_incoming(next.flb) == 0) next.luo.put_incoming(next.flb);
  const int error = next.luo.open();
  require(error == 0 || error == EIO, "open answers 0 or EIO");
  require(next.luo.open() == (error == 0 ? EBUSY : EIO), "and goes on to");
  if (error != 0) return;
  const auto incoming = next.luo.incoming();
  require(!handed_over || (handed && handed->sessions.size() == incoming.size()), "bench and kernel read the same");
  std::set<std::string> names;
  for (const LuoSession* session : incoming) names.insert(session->name());
  require(names.size() == incoming.size(), "names are used once");
  for (std::size_t index = 0; index < incoming.size(); ++index) {
    const std::string name = handed->sessions[index].name;
    LuoSession* session = nullptr;
    require(next.luo.retrieve_session(name, session) == 0 && session->is_incoming(), "every session can be retrieved");
    require(next.luo.retrieve_session(name, session) == EINVAL, "once");
    for (const HandedFile& file : handed->sessions[index].files) {
      KernelFile* first = nullptr;
      KernelFile* second = nullptr;
      const int retrieved = session->retrieve(file.token, first);
      require(retrieved == 0 || retrieved == EIO, "retrieve answers what the handler does");
      require(session->retrieve(file.token, second) == retrieved && first == second, "for ever");
    }
    if (index % 2 == 0) require(session->finish() == 0 && session->file_count() == 0, "everything is finished");
    session->close();
  }
  require(next.luo.incoming().empty(), "every session ends");
}

}  // namespace

void run_luo(std::span<const std::uint8_t> input) {
  static const Handed kHanded;
  Memory memory = kHanded.memory;
  damage(memory.dram(), kHanded.what, input);
  std::string why;
  const auto decoded = decode_live_update(memory.dram(), kHanded.fdt, &why);
  require(decoded.has_value() || !why.empty(), "what cannot be read has a reason");
  try {
    LuoKernel next(memory);
    use(next, decoded);
    require_books(*next.pages, next.kho);
    LuoSession* session = nullptr;
    require(next.luo.create_session("next", session) == 0 && next.luo.freeze() == 0, "the next handover is possible");
    const auto again = decode_live_update(memory.dram(), next.kho.fdt(), &why);
    require(again && again->sessions.size() == 1 && again->number == next.luo.liveupdate_number() + 1, "and valid");
  } catch (const Panic& panic) {
    require(std::string(panic.what()).size() > 20, "a panic says why");
  }
}

// The input is a sequence of calls: descriptor, request (16 bits), size of what is mapped, then these bytes.
void run_luo_ioctl(std::span<const std::uint8_t> input) {
  static const Handed kHanded;
  Memory memory = kHanded.memory;
  LuoKernel kernel(memory);
  int device = -1;
  require(kernel.ioctl.open(device) == 0, "the device can be opened");
  for (unsigned file = 0; file < 3; ++file) {
    static_cast<void>(kernel.descriptors.install(kernel.files.add(std::make_unique<PlainFile>())));
  }
  for (unsigned calls = 0; calls < 64 && input.size() >= 4; ++calls) {
    const int descriptor = input[0] < 0x80 ? input[0] : input[0] - 0x100;
    const auto request = static_cast<std::uint32_t>(input[1] | input[2] << 8);
    const std::size_t size = std::min<std::size_t>(input[3], input.size() - 4);
    // Of exactly this size on the heap: AddressSanitizer sees each byte beyond it.
    std::vector<std::byte> mapped(size);
    std::ranges::copy(std::as_bytes(input.subspan(4, size)), mapped.begin());
    input = input.subspan(4 + size);
    if (request == 0xffff) {
      const int error = kernel.ioctl.close(descriptor);
      require(error == 0 || error == EBADF, "close answers 0 or EBADF");
      continue;
    }
    const int error = kernel.ioctl.ioctl(descriptor, request, {mapped, (request & 0x8000) == 0});
    require(error >= 0 && error != kNeverReturns, "a call returns");
    if (error == 0 && size >= sizeof(luo_uapi::FileArgument) && luo_uapi::number_of(request) == 0x41) {
      luo_uapi::FileArgument answer{};
      std::memcpy(&answer, mapped.data(), sizeof answer);
      require(kernel.descriptors.find(answer.fd) != nullptr, "what was opened is a descriptor");
    }
  }
  require_books(*kernel.pages, kernel.kho);
  require(kernel.luo.freeze() == 0, "nothing refuses the freeze");
  require(decode_live_update(memory.dram(), kernel.kho.fdt()).has_value(), "what is kHanded over is valid");
}

}  // namespace holdover::fuzz
