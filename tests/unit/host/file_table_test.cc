// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "host/kernel/file.h"

namespace holdover::host::kernel {
namespace {

class CountingFile : public OpenFile<KernelFile> {
 public:
  explicit CountingFile(int& releases) : releases_(releases) {}
  void release() override { ++releases_; }

 private:
  int& releases_;
};

TEST(FileTable, AFileIsReleasedWithItsLastHolder) {
  FileTable table;
  int releases = 0;
  FileReference<CountingFile> first(table.add(std::make_unique<CountingFile>(releases)));
  FileReference<CountingFile> second = first;
  first.close();
  EXPECT_EQ(releases, 0);
  second->hold();  // the orchestrator
  CountingFile& file = *second;
  second.close();
  EXPECT_EQ(releases, 0);
  file.drop();
  EXPECT_EQ(releases, 1);
}

TEST(FileTable, ClosingAfterTheKernelStoppedReleasesNothing) {
  FileTable table;
  int releases = 0;
  FileReference<CountingFile> file(table.add(std::make_unique<CountingFile>(releases)));
  table.abandon();
  file.close();
  EXPECT_EQ(releases, 0);
}

}  // namespace
}  // namespace holdover::host::kernel
