// SPDX-License-Identifier: MIT
#include "host/backend/linux/kexec_image.h"

#include <fcntl.h>
#include <linux/kexec.h>

#include <cerrno>

#include "host/backend/linux/descriptor.h"
#include "host/backend/refusal.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

Descriptor open_file(SystemCalls& calls, const std::string& path, const char* what) {
  const int number = calls.open(path, O_RDONLY);
  if (number < 0) {
    throw Error(ErrorCode::Unavailable,
                std::string("The ") + what + " " + path + " cannot be opened: " + errno_name(-number) + ".");
  }
  return {calls, number};
}

std::string_view way_out_of_load(int error, KexecEntry entry) {
  switch (error) {
    case EPERM:
      return "run it as root, and see that kernel.kexec_load_disabled is 0 and that no lockdown forbids it";
    case ENOEXEC:
      return "it is no kernel image of this architecture";
    case EINVAL:
      return "the command line is longer than that kernel takes, or the image was damaged";
    case EADDRNOTAVAIL:
      return entry == KexecEntry::OnPanic
                 ? "no memory is kept for a crash kernel; start this one with crashkernel="
                 : "it fits nowhere; with kho=on only scratch memory is used, see kho_scratch=";
    case EBUSY:
      return "another load or a kexec is under way";
    case ENOSYS:
      return "this kernel was built without CONFIG_KEXEC_FILE";
    case EKEYREJECTED:
    case ENOKEY:
    case EBADMSG:
      return "this kernel takes signed images only, and its key does not match";
    default:
      return {};
  }
}

}  // namespace

void load_kexec_image(SystemCalls& calls, const KexecFiles& files, const std::string& command_line, KexecEntry entry) {
  const Descriptor kernel = open_file(calls, files.kernel, "kernel image");
  const Descriptor initrd = files.initrd.empty() ? Descriptor() : open_file(calls, files.initrd, "initrd");
  const int answer = calls.kexec_file_load(kernel.number(), initrd.number(), command_line,
                                           entry == KexecEntry::OnPanic ? KEXEC_FILE_ON_CRASH : 0);
  require(answer, "to load " + files.kernel + " (kexec_file_load)", way_out_of_load(-answer, entry));
}

}  // namespace holdover::host
