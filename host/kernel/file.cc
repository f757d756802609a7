// SPDX-License-Identifier: MIT
#include "host/kernel/file.h"

#include <algorithm>

namespace holdover::host::kernel {

void TableEntry::close_in_table() {
  HOLDOVER_CHECK(table_ != nullptr);
  table_->close(*this);
}

void FileTable::close(TableEntry& file) {
  if (!abandoned_) file.release();
  const auto found =
      std::find_if(files_.begin(), files_.end(), [&](const auto& candidate) { return candidate.get() == &file; });
  HOLDOVER_CHECK(found != files_.end());
  // It leaves the table before it dies, because it may hold files of its own.
  const std::unique_ptr<TableEntry> last = std::move(*found);
  files_.erase(found);
}

}  // namespace holdover::host::kernel
