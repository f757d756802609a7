// SPDX-License-Identifier: MIT
// A machine, the kernels that run on it one after the other, and the hand of an experimenter: each verb of live update
// is called by itself, no scenario is run. Verbs return 0 or a positive errno, as the kernel does.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/questions/question.h"
#include "host/kernel/kernel.h"
#include "sim/witness.h"

namespace holdover::bench {

// A slot that can be empty: what is in it is there, and answers no configuration request.
class SlotPlatform;

class KernelBench final : private sim::Witness {
 public:
  // Topology «switch»: a root port, a switch with two downstream ports, an endpoint below each; nothing disturbs it.
  explicit KernelBench(const Laboratory& laboratory);
  ~KernelBench() override;
  KernelBench(const KernelBench&) = delete;
  KernelBench& operator=(const KernelBench&) = delete;

  // ---- Kernels ----
  // A cold boot with this command line («profile=pci-v6 policy=bus-numbers=reassign»). False: it panicked.
  [[nodiscard]] bool boot(const std::string& command_line);
  // reboot(KEXEC) into a kernel with this command line, up to where its user space starts. The errno of a refusal;
  // EIO: the new kernel panicked, panic() says why.
  [[nodiscard]] int kexec(const std::string& command_line);
  [[nodiscard]] host::kernel::Kernel& kernel() { return *kernel_; }
  [[nodiscard]] const std::string& panic() const { return panic_; }
  // Lines of the running kernel's console.
  [[nodiscard]] const std::vector<std::string>& console() const { return console_; }
  [[nodiscard]] unsigned console_lines_with(std::string_view words) const;

  // ---- User space: endpoint 0 or 1, each in an address space of its own ----
  // Opens the device, attaches it and lets it be bus master.
  [[nodiscard]] int open(unsigned endpoint);
  void close(unsigned endpoint) { held_.erase(endpoint); }
  [[nodiscard]] int create_session(const std::string& name, host::kernel::LuoSession*& session);
  // Address space and device.
  [[nodiscard]] int preserve(host::kernel::LuoSession& session, unsigned endpoint);
  // The device node is opened at the first use.
  [[nodiscard]] int retrieve_session(const std::string& name, host::kernel::LuoSession*& session);
  // Address space and device; then the device is taken up.
  [[nodiscard]] int retrieve(host::kernel::LuoSession& session, unsigned endpoint);

  // ---- The machine ----
  // Empties the slot of the endpoint, or fills it again.
  void set_present(unsigned endpoint, bool present);
  // Name, and bus, device, function that reach it by now.
  [[nodiscard]] pcie::Bdf bdf(const std::string& function) const;
  // Register of a function's configuration space, without any effect.
  [[nodiscard]] std::uint32_t config(const std::string& function, unsigned offset, unsigned size) const;
  [[nodiscard]] sim::ObservedMachine& machine() { return *machine_; }

  // ---- Configuration writes, as the functions saw them ----
  // From here on they belong to this stage. Firmware's belong to none.
  void begin_stage(const std::string& name) { stage_ = name; }
  // In order, each as «endpoint 0 COMMAND 0003 -> 0007».
  [[nodiscard]] std::vector<std::string> writes(const std::string& stage) const;
  [[nodiscard]] unsigned writes_to(const std::string& function, const std::string& stage) const;

 private:
  struct Seen {
    std::string stage;
    sim::ConfigWrite write;
  };
  struct Held {
    host::kernel::FileReference<host::kernel::VfioDevice> device;
    host::kernel::FileReference<host::kernel::IommuDomain> space;
  };

  void on_config_write(const sim::ConfigWrite& write) override;
  void on_console(Time, std::string_view line) override { console_.emplace_back(line); }
  [[nodiscard]] bool enter(PhysicalAddress parameters);
  [[nodiscard]] std::string name_of(unsigned endpoint) const { return "endpoint " + std::to_string(endpoint); }
  [[nodiscard]] sim::FunctionIndex find(const std::string& function) const;

  std::vector<Seen> seen_;
  std::string stage_;
  std::vector<std::string> console_;
  std::string panic_;
  std::unique_ptr<sim::ObservedMachine> machine_;
  std::unique_ptr<SlotPlatform> platform_;
  std::unique_ptr<host::kernel::Kernel> kernel_;
  std::map<unsigned, Held> held_;
};

}  // namespace holdover::bench
