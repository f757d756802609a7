// SPDX-License-Identifier: MIT
#include "host/backend/vfio_user/vfio_user_system.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "host/backend/refusal.h"
#include "host/backend/vfio_user/objects.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host {

using namespace vfio_user;

namespace {

// Far above what a program's own addresses would be taken for, and never equal to an offset in a memory file.
constexpr Iova kFirstIova{0x40'0000'0000};
constexpr std::size_t kLongestCommandLine = 4096;
// Wall time between two looks at the clock of the device: a simulation has made a microsecond or so of it.
constexpr std::chrono::nanoseconds kLook{500'000};

[[noreturn]] void interrupt() {
  throw Error(ErrorCode::Interrupted, "the program was told to stop; the server's device is given back");
}

void close_inherited(const CarriedState& state) {
  for (const int number : state.memories) {
    if (number >= 0) static_cast<void>(::close(number));
  }
  if (state.socket >= 0) static_cast<void>(::close(state.socket));
}

}  // namespace

std::function<void(int, const std::string&)> exec_again(std::vector<std::string> arguments,
                                                        const std::atomic<bool>* stop) {
  return [arguments = std::move(arguments), stop](int state, const std::string& /*command_line*/) {
    std::vector<std::string> words = arguments;
    std::vector<char*> pointers;
    for (std::string& word : words) {
      if (const auto at = word.find("{}"); at != std::string::npos) word.replace(at, 2, std::to_string(state));
      pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool told = stop != nullptr && *stop;
    if (!told) ::execv("/proc/self/exe", pointers.data());
    const int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (told) interrupt();
    refuse(error, "execve() of this program");
  };
}

VfioUserSystem::VfioUserSystem(const std::filesystem::path& socket, VfioUserOptions options)
    : options_(std::move(options)), iovas_(kFirstIova), sessions_(era_) {
  era_.pass_descriptors = options_.pass_descriptors;
  era_.connection = std::make_unique<VfioUserConnection>(socket, era_.calls);
  find_clock();
}

VfioUserSystem::VfioUserSystem(int state, VfioUserOptions options)
    : options_(std::move(options)), iovas_(kFirstIova), booted_by_kexec_(true), sessions_(era_) {
  const FileDescriptor file{state};
  const CarriedState carried = read_carried_state(file.number());
  if (::fcntl(carried.socket, F_SETFD, FD_CLOEXEC) != 0) {
    throw Error(ErrorCode::Corrupt, "the connection of the predecessor is not open; start without a predecessor");
  }
  era_.pass_descriptors = carried.pass_descriptors;
  era_.connection = std::make_unique<VfioUserConnection>(FileDescriptor{carried.socket}, carried.server, era_.calls);
  iovas_ = IovaRanges(Iova{carried.next_iova});
  options_.command_line = carried.command_line;
  find_clock();
  open_ = sessions_.adopt(carried, bdf_);
  era_.connection->resume();
}

// Files that are still open are closed before the connection is.
VfioUserSystem::~VfioUserSystem() { sessions_.clear(); }

// Any server may have regions of its own.
void VfioUserSystem::find_clock() {
  VfioUserConnection& connection = *era_.connection;
  std::vector<std::byte> question;
  append(question, DeviceInfo{sizeof(DeviceInfo)});
  const auto info =
      parse_fixed<DeviceInfo>(connection.request(Command::DeviceGetInfo, question, "to describe the device"));
  const std::uint32_t regions = info.error != 0 ? 0 : std::min(info.value.num_regions, 64u);
  for (std::uint32_t region = kRegionDeviceSpecific; region < regions; ++region) {
    question.clear();
    append(question, RegionInfo{sizeof(RegionInfo) + sizeof(RegionTypeCapability), 0, region, 0, 0, 0});
    const std::vector<std::byte> answer =
        connection.request(Command::DeviceGetRegionInfo, question, "to describe a region");
    const auto found = parse_fixed<RegionInfo>(answer);
    if (found.error != 0 || found.value.size < sizeof(ClockRegion) || found.value.cap_offset > answer.size()) continue;
    if ((found.value.flags & kRegionCaps) == 0 || found.value.cap_offset < sizeof(RegionInfo)) continue;
    const auto type = parse_fixed<RegionTypeCapability>(std::span(answer).subspan(found.value.cap_offset));
    const bool ours = type.error == 0 && type.value.header.id == kRegionCapType &&
                      type.value.type == kRegionTypeHoldover && type.value.subtype == kRegionSubtypeClock;
    ClockRegion clock;
    if (ours) connection.read_region(region, 0, std::as_writable_bytes(std::span(&clock, 1)));
    if (clock.magic != kClockMagic) continue;
    clock_region_ = region;
    bdf_ = pcie::Bdf::from_requester_id(static_cast<pcie::RequesterId>(clock.function));
  }
}

void VfioUserSystem::check_function(pcie::Bdf bdf) const {
  if (bdf == bdf_) return;
  throw Error(ErrorCode::NotFound,
              "There is no device " + bdf.to_string() + "; the server has " + bdf_.to_string() + ".", ENODEV);
}

std::unique_ptr<Device> VfioUserSystem::open_device(pcie::Bdf bdf) {
  check_function(bdf);
  if (sessions_.holds_device() || !open_.expired()) refuse(EBUSY, "to open " + bdf.to_string());
  auto file = std::make_shared<DeviceFile>(era_, bdf);
  file->open();
  open_ = file;
  return std::make_unique<VfioUserDevice>(std::move(file));
}

std::unique_ptr<Memory> VfioUserSystem::create_memory(Bytes size) {
  return std::make_unique<VfioUserMemory>(MemfdMemory::create(era_.calls, size));
}

std::unique_ptr<AddressSpace> VfioUserSystem::create_address_space() {
  return std::make_unique<VfioUserAddressSpace>(std::make_shared<SpaceFile>(era_));
}

std::unique_ptr<LiveUpdate> VfioUserSystem::open_live_update() {
  return std::make_unique<VfioUserLiveUpdate>(sessions_);
}

void VfioUserSystem::load_kernel(const std::string& command_line) {
  const bool one_line = command_line.find('\n') == std::string::npos;
  if (command_line.size() > kLongestCommandLine || !one_line) refuse(EINVAL, "the next program's command line");
  next_command_line_ = command_line;
  loaded_ = true;
}

void VfioUserSystem::load_crash_kernel(const std::string& /*command_line*/) {
  refuse(EADDRNOTAVAIL, "a program that takes over at a crash");
}

FileDescriptor VfioUserSystem::write_state(CarriedState& state) {
  state.pass_descriptors = era_.pass_descriptors;
  state.server = era_.connection->server();
  state.next_iova = iovas_.next().raw();
  state.command_line = loaded_ ? next_command_line_ : options_.command_line;
  const int error = sessions_.freeze(state);
  state.socket = ::fcntl(era_.connection->descriptor(), F_DUPFD, 3);
  try {
    if (error != 0) refuse(error, "to go over into the next program");
    return write_carried_state(state);
  } catch (const Error&) {
    close_inherited(state);
    throw;
  }
}

// As the files of a process end with it.
void VfioUserSystem::end_what_is_not_preserved(const CarriedState& state) {
  const auto device = open_.lock();
  if (!device || state.device) return;
  device->set_command(pcie::config::kCommandBusMaster, false);
  device->disable_interrupts();
  device->reset();
  if (device->space()) device->space()->detach();
}

void VfioUserSystem::kexec() {
  CarriedState state;
  FileDescriptor file = write_state(state);
  end_what_is_not_preserved(state);
  const auto device = open_.lock();
  if (device && state.device) device->mask_function();
  FileDescriptor socket = era_.connection->release();
  era_.over = true;
  if (options_.jump) {
    try {
      options_.jump(file.number(), state.command_line);
    } catch (const Error&) {
      // This program goes on, and what it has preserved is preserved still.
      close_inherited(state);
      era_.connection = std::make_unique<VfioUserConnection>(std::move(socket), state.server, era_.calls);
      era_.over = false;
      if (device) device->go_on();
      era_.connection->resume();
      throw;
    }
  }
  throw KernelGone{PhysicalAddress{static_cast<std::uint64_t>(file.release())}};
}

void VfioUserSystem::crash() { refuse(EINVAL, "to enter a program that takes over at a crash"); }

void VfioUserSystem::write_config(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  check_function(function);
  era_.connection->write_region(kRegionConfig, offset.count(), std::as_bytes(std::span(&value, 1)).first(size));
}

void VfioUserSystem::unbind_driver(pcie::Bdf function) {
  check_function(function);
  refuse(ENODEV, "to unbind the driver of " + function.to_string());
}

void VfioUserSystem::remove_driver(pcie::Bdf function) {
  check_function(function);
  refuse(ENODEV, "to remove the driver of " + function.to_string());
}

std::chrono::nanoseconds VfioUserSystem::now() {
  if (clock_region_ == 0) return era_.calls.now();
  std::uint64_t picoseconds = 0;
  era_.connection->read_region(clock_region_, offsetof(ClockRegion, picoseconds), bytes_of(picoseconds));
  return std::chrono::nanoseconds{picoseconds / 1000};
}

std::chrono::nanoseconds VfioUserSystem::time_load(Device& device, unsigned bar, Bytes offset, unsigned size) {
  if (clock_region_ == 0) return System::time_load(device, bar, offset, size);
  check_bar_access(device, bar, offset, size);
  // The device's time has moved: the server visits us anew, and has room in that visit for all that follows.
  wait(std::chrono::nanoseconds{1});
  constexpr std::uint64_t kClock = offsetof(ClockRegion, picoseconds);
  std::uint64_t begin = 0;
  std::uint64_t value = 0;
  std::uint64_t end = 0;
  const std::array<VfioUserConnection::RegionPart, 3> parts{{{clock_region_, kClock, bytes_of(begin)},
                                                             {bar, offset.count(), bytes_of(value).first(size)},
                                                             {clock_region_, kClock, bytes_of(end)}}};
  era_.connection->read_regions(parts);
  return std::chrono::nanoseconds{(end - begin) / 1000};
}

void VfioUserSystem::wait(std::chrono::nanoseconds duration) {
  const std::chrono::nanoseconds end = now() + duration;
  for (std::chrono::nanoseconds left = duration; left.count() > 0; left = end - now()) {
    if (options_.stop != nullptr && *options_.stop) interrupt();
    era_.connection->serve(clock_region_ == 0 ? left : kLook);
  }
}

void VfioUserSystem::print(std::string_view line) {
  if (options_.print) options_.print(line);
}

void VfioUserSystem::mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) {
  if (options_.mark) options_.mark(phase, step, value);
}

}  // namespace holdover::host
