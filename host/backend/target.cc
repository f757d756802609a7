// SPDX-License-Identifier: MIT
#include "host/backend/target.h"

#include <cctype>

#include "host/backend/linux/linux_system.h"
#include "host/backend/vfio/vfio_files.h"
#include "host/backend/vfio_user/vfio_user_system.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

constexpr std::string_view kVfio = "vfio:";
constexpr std::string_view kVfioUser = "vfio-user:";

class VfioTarget final : public OpenTarget {
 public:
  VfioTarget(pcie::Bdf bdf, TargetOptions options) : files_(calls_, {}, {bdf}), system_(calls_, files_, of(options)) {}

  [[nodiscard]] System& system() override { return system_; }

 private:
  static LinuxSystemOptions of(TargetOptions& options) {
    LinuxSystemOptions all;
    all.parameters = std::move(options.parameters);
    all.next = {std::move(options.kernel), std::move(options.initrd)};
    all.next_command_line = std::move(options.command_line);
    all.print = std::move(options.print);
    all.stop = options.stop;
    return all;
  }

  KernelSystemCalls calls_;
  VfioFiles files_;
  LinuxSystem system_;
};

class VfioUserTarget final : public OpenTarget {
 public:
  explicit VfioUserTarget(std::unique_ptr<VfioUserSystem> system) : system_(std::move(system)) {}

  [[nodiscard]] System& system() override { return *system_; }
  [[nodiscard]] bool device_time() const override { return system_->has_device_time(); }

 private:
  std::unique_ptr<VfioUserSystem> system_;
};

std::unique_ptr<OpenTarget> open_server(const std::string& path, TargetOptions options) {
  VfioUserOptions all;
  all.command_line = std::move(options.parameters);
  all.print = std::move(options.print);
  all.stop = options.stop;
  if (!options.again.empty()) all.jump = exec_again(std::move(options.again), options.stop);
  return std::make_unique<VfioUserTarget>(options.carried >= 0
                                              ? std::make_unique<VfioUserSystem>(options.carried, std::move(all))
                                              : std::make_unique<VfioUserSystem>(path, std::move(all)));
}

}  // namespace

Target Target::parse(std::string_view text) {
  Target target;
  if (text.starts_with(kVfioUser) && text.size() > kVfioUser.size()) {
    target.kind = Kind::VfioUser;
    target.path = text.substr(kVfioUser.size());
    return target;
  }
  // A board needs no word before its address.
  const bool address = !text.empty() && std::isxdigit(static_cast<unsigned char>(text.front())) != 0;
  if (address || text.starts_with(kVfio)) {
    target.bdf = pcie::Bdf::parse(address ? text : text.substr(kVfio.size()));
    return target;
  }
  throw Error(ErrorCode::InvalidArgument,
              "«" + std::string(text) +
                  "» is no target; possible are BDF or vfio:BDF (vfio:0000:01:00.0), a board of "
                  "this machine, and vfio-user:PATH, the socket of a server");
}

std::string Target::to_string() const {
  return kind == Kind::Vfio ? std::string(kVfio) + bdf.to_string() : std::string(kVfioUser) + path;
}

std::unique_ptr<OpenTarget> open_target(const Target& target, TargetOptions options) {
  if (target.kind == Target::Kind::Vfio) return std::make_unique<VfioTarget>(target.bdf, std::move(options));
  return open_server(target.path, std::move(options));
}

}  // namespace holdover::host
