// SPDX-License-Identifier: MIT
// The emulated kernel: everything that dies in a kexec, in one object. What survives stands in DRAM, in preserved
// pages.
//
// It reaches hardware through pcie::Platform only. What it does at each step is chosen by a table of policies
// (profile.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/kernel/boot_parameters.h"
#include "host/kernel/descriptor_table.h"
#include "host/kernel/drivers/driver.h"
#include "host/kernel/file.h"
#include "host/kernel/iommu/dma_ownership.h"
#include "host/kernel/iommu/domain.h"
#include "host/kernel/iommu/iommu.h"
#include "host/kernel/irq/interrupt_remapping.h"
#include "host/kernel/irq/interruptible_platform.h"
#include "host/kernel/irq/interrupts.h"
#include "host/kernel/luo/ioctl.h"
#include "host/kernel/luo/live_update_core.h"
#include "host/kernel/mm/memfd.h"
#include "host/kernel/mm/page_allocator.h"
#include "host/kernel/pci/pci_bus.h"
#include "host/kernel/pci/port_driver.h"
#include "host/kernel/profile.h"
#include "host/kernel/vfio/vfio_device.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

class Kernel : private KernelObjects {
 public:
  // Reads the boot-parameter page; throws Error{Corrupt} for a bad one and Error{InvalidArgument} for an unknown
  // profile or hazard on its command line. `platform` outlives it. Touches no hardware.
  Kernel(pcie::Platform& platform, PhysicalAddress boot_parameters);
  ~Kernel() override;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // From the entry point to the moment when user space starts. Once. Throws Panic.
  void boot();

  // kexec_file_load(): the next kernel's boot-parameter page in scratch, with the command line, the KHO tree and
  // the scratch region in it; replaces the image that was loaded before. EBUSY: this kernel is on its way to another
  // one; EINVAL: the command line is too long; EADDRNOTAVAIL: scratch has no room. A jump image
  // (KEXEC_PRESERVE_CONTEXT) takes no handover along.
  // A crash image (KEXEC_FILE_ON_CRASH) lies in the region of crashkernel= and stays beside the other one;
  // EADDRNOTAVAIL without such a region.
  enum class ImageKind { Default, Jump, OnCrash };
  [[nodiscard]] int load_image(std::string_view command_line, ImageKind kind = ImageKind::Default);
  // KEXEC_FILE_UNLOAD. EBUSY as above.
  [[nodiscard]] int unload_image();
  [[nodiscard]] bool image_loaded() const { return image_.has_value(); }

  // reboot(LINUX_REBOOT_CMD_KEXEC), kernel_kexec(): EBUSY where it runs already, EINVAL without an image, then freeze
  // (but for a jump image), device_shutdown(), interrupt controller and IOMMU off or handed over, jump.
  // 0 cannot be seen by the caller: where the jump took place, the boot-parameter page of the next kernel is in `next`,
  // and this kernel has stopped(). Otherwise a positive errno, and everything preserved is still preserved.
  [[nodiscard]] int kexec(PhysicalAddress& next);
  // A panic that enters the crash image, as kdump does: no device, interrupt controller or IOMMU is touched, and
  // nothing is handed over. EINVAL without such an image; else as kexec().
  [[nodiscard]] int crash(PhysicalAddress& next);
  // No instruction of this kernel runs any more: after a jump or a panic. Closing files does nothing then.
  void stop() { files_.abandon(); }
  [[nodiscard]] bool stopped() const { return files_.abandoned(); }
  // Fail stop where nothing can be thrown: says so on the console and on the instrumentation port, and stops.
  void panic(std::string_view reason);

  // ---- System calls ----
  // Every function but bridges, ascending.
  [[nodiscard]] std::vector<pcie::Bdf> functions() const;
  // Endpoints that the VFIO driver is bound to, ascending.
  [[nodiscard]] std::vector<pcie::Bdf> vfio_devices() const;
  // ENODEV where there is none, EBUSY while it is incoming or open.
  [[nodiscard]] int open_device(pcie::Bdf bdf, FileReference<VfioDevice>& out, VfioDoor door = VfioDoor::Cdev);
  // device_release_driver(): ENODEV where the function has no driver; EBUSY while its device file is held, by user
  // space or by LUO, since vfio-pci's remove waits for the last reference.
  [[nodiscard]] int unbind(pcie::Bdf function);
  // delete_module() of the function's driver: unbinds every function of it, or none. ENODEV as above; EBUSY while the
  // module is in use, that is, a device file of any of them is held.
  [[nodiscard]] int remove_driver(pcie::Bdf function);
  // sysfs `bind` of the driver of this name: ENODEV where there is no such function, or the driver does not match it,
  // or refuses it; EBUSY where it has one.
  [[nodiscard]] int bind(pcie::Bdf function, std::string_view driver);
  // sysfs `drivers_probe`: binds what find() of the registry gives, if the function has no driver. ENODEV where there
  // is no such function; a function that nothing takes stays without a driver.
  [[nodiscard]] int probe_drivers(pcie::Bdf function);
  // Of the drivers that this kernel has, by ascending name.
  [[nodiscard]] std::vector<std::string> driver_names() const;
  // sysfs `reset`, pci_reset_function(): ENODEV where there is no such function; ENOTTY and EIO of reset_function().
  // Interrupts of an open device file are on again afterwards.
  [[nodiscard]] int reset(pcie::Bdf function);
  // sysfs `config`: ENODEV where there is no such function.
  [[nodiscard]] int write_config(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value);
  // ENOMEM
  [[nodiscard]] int create_memory(Bytes size, FileReference<Memfd>& out);
  [[nodiscard]] int create_domain(FileReference<IommuDomain>& out);
  // IO virtual addresses that are, as physical addresses, pages which this kernel keeps for itself from now on: a
  // request that misses the IOMMU hits memory of somebody else, and no page is ever mapped to its own address. Not
  // mapped by any address space that was handed over, a page of distance from the next range. Above 4 GiB where DRAM
  // has no such range left.
  [[nodiscard]] Iova allocate_iova(Bytes size);
  void wait(Time duration);
  void print(std::string_view line);

  [[nodiscard]] const BootParameters& parameters() const { return parameters_; }
  [[nodiscard]] const Policies& policies() const { return policies_; }
  [[nodiscard]] bool booted_by_kexec() const { return booted_by_kexec_; }
  [[nodiscard]] pcie::Platform& platform() { return platform_; }
  // The same with interrupts taken between accesses. Contract: booted.
  [[nodiscard]] pcie::Platform& hardware() { return *hardware_; }
  [[nodiscard]] const DmaOwnership& dma() const { return *dma_; }
  [[nodiscard]] PageAllocator& pages() { return *pages_; }
  [[nodiscard]] Iommu& iommu() { return *iommu_; }
  [[nodiscard]] Interrupts& interrupts() { return *interrupts_; }
  [[nodiscard]] PciBus& pci() { return *pci_; }
  [[nodiscard]] FileTable& files() { return files_; }
  [[nodiscard]] VfioContext vfio_context();
  [[nodiscard]] LiveUpdateCore& live_update() { return *live_update_; }
  // Descriptors of user space, and the verbs on those of LUO. The process dies with close_all().
  [[nodiscard]] DescriptorTable& descriptors() { return descriptors_; }
  [[nodiscard]] LuoIoctl& luo_ioctl() { return *luo_ioctl_; }

 private:
  struct Image {
    PhysicalAddress parameters;
    ImageKind kind;
  };

  // ---- KernelObjects: what the file handlers restore ----
  [[nodiscard]] IommuState iommu_state() const override;
  [[nodiscard]] MemoryFile* restore_memory(const MemoryState& state) override;
  [[nodiscard]] AddressSpaceFile& restore_address_space(const AddressSpaceState& state) override;
  [[nodiscard]] DeviceFile* restore_device(const DeviceState& state) override;
  [[nodiscard]] PciPath path(pcie::Bdf function) const override;
  [[nodiscard]] std::uint64_t pci_functions() const override;

  void set_up_memory();
  void reserve_crash_region();
  [[nodiscard]] bool is_crash_kernel() const { return parameters_.crash_region_bytes != 0; }
  [[nodiscard]] int load_crash_image(BootParameters next);
  void set_up_live_update();
  void set_up_iommu();
  void set_up_interrupt_remapping();
  void scan();
  void bind_drivers();
  void bind_driver(PciDevice& device, bool incoming);
  void shut_down();
  void shut_devices_down();
  [[nodiscard]] pcie::Phase boot_phase(pcie::Phase after_kexec) const;

  pcie::Platform& platform_;
  PhysicalAddress parameters_address_;
  BootParameters parameters_;
  Policies policies_;
  bool booted_by_kexec_;
  Iova next_high_iova_;

  FileTable files_;
  DescriptorTable descriptors_;
  std::unique_ptr<PageAllocator> pages_;
  std::unique_ptr<LiveUpdateCore> live_update_;
  std::unique_ptr<LuoIoctl> luo_ioctl_;
  std::optional<Image> image_;
  PhysicalAddress crash_region_;  // of crashkernel=
  std::uint64_t crash_region_pages_ = 0;
  bool crash_image_loaded_ = false;
  bool kexec_lock_ = false;  // held for ever once nothing can be undone any more
  std::unique_ptr<Interrupts> interrupts_;
  std::unique_ptr<InterruptiblePlatform> hardware_;  // while interrupts are on
  std::unique_ptr<Iommu> iommu_;
  std::unique_ptr<InterruptRemapping> remapping_;  // null: off
  std::unique_ptr<DmaOwnership> dma_;
  std::unique_ptr<DriverRegistry> drivers_;
  std::unique_ptr<PciBus> pci_;
  std::vector<std::unique_ptr<PortDriver>> ports_;
};

}  // namespace holdover::host::kernel
