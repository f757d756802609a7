// SPDX-License-Identifier: MIT
#include "sim/memory_recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pcie/error.h"
#include "sim/trace_reader.h"

namespace holdover::sim {
namespace {

namespace fs = std::filesystem;
using Kind = trace_format::RecordKind;

class MemoryRecorderTest : public ::testing::Test {
 protected:
  MemoryRecorderTest() {
    std::string pattern = (fs::temp_directory_path() / "holdover-memory-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    trace_.emplace(folder_ / "trace", TraceInfo{});
    recorder_.emplace(memory_, *trace_);
  }
  ~MemoryRecorderTest() override { fs::remove_all(folder_); }

  void store(std::uint64_t address, unsigned char value) {
    memory_.bytes()[static_cast<std::size_t>(address)] = static_cast<std::byte>(value);
  }
  // A device writes four bytes, in a call of the processor.
  void device_writes(Time now, std::uint64_t address) {
    pcie::Tlp tlp;
    tlp.kind = pcie::TlpKind::MemoryWrite;
    tlp.address = address;
    tlp.length_dw = 1;
    tlp.first_be = 0xf;
    tlp.payload.assign(4, std::byte{0xdd});
    recorder_->settle(now);
    ASSERT_TRUE(memory_.write(PhysicalAddress{address}, tlp.payload, 0xf, 0));
    recorder_->request_took_effect(now, 0, tlp);
  }
  std::vector<TraceRecord> records() {
    trace_->close();
    TraceReader reader{folder_ / "trace"};
    reader.include_memory();
    std::vector<TraceRecord> found;
    while (auto record = reader.next()) found.push_back(std::move(*record));
    return found;
  }

  fs::path folder_;
  HostMemory memory_{1_MiB};
  std::optional<TraceWriter> trace_;
  std::optional<MemoryRecorder> recorder_;
};

TEST_F(MemoryRecorderTest, StoresAreFoundBeforeADeviceComesAndOnlyThen) {
  store(0x2000, 1);
  recorder_->processor_stops();
  recorder_->processor_resumes();
  store(0x2001, 2);
  store(0x3fff, 3);
  store(0x4000, 4);
  recorder_->processor_stops();
  device_writes(5_ns, 0x8000);
  recorder_->processor_resumes();

  const auto found = records();
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].kind, Kind::Store);
  EXPECT_EQ(found[0].time, 5_ns);
  EXPECT_EQ(found[0].header[0], 0x2000u);
  EXPECT_EQ(found[0].payload, (std::vector{std::byte{1}, std::byte{2}}));
  EXPECT_EQ(found[1].header[0], 0x3fffu);
  EXPECT_EQ(found[2].header[0], 0x4000u);
  EXPECT_EQ(found[3].kind, Kind::Effect);
}

TEST_F(MemoryRecorderTest, WhatTheMachineDoesIsNoStoreEvenWhereItIsWrong) {
  recorder_->processor_stops();
  device_writes(5_ns, 0x8000);
  // A defect of the machine: another write that no request asked for.
  const std::vector<std::byte> stray(16, std::byte{0xee});
  ASSERT_TRUE(memory_.write(PhysicalAddress{0x8ff8}, stray));
  recorder_->processor_resumes();
  recorder_->processor_stops();
  device_writes(6_ns, 0x8004);
  recorder_->processor_resumes();

  for (const TraceRecord& record : records()) EXPECT_EQ(record.kind, Kind::Effect);
}

TEST_F(MemoryRecorderTest, AProcessorMayUndoWhatADeviceWrote) {
  recorder_->processor_stops();
  device_writes(5_ns, 0x8000);
  recorder_->processor_resumes();
  store(0x8000, 0);
  recorder_->processor_stops();
  recorder_->settle(7_ns);
  recorder_->processor_resumes();

  const auto found = records();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].kind, Kind::Store);
  EXPECT_EQ(found[1].payload, (std::vector{std::byte{0}}));
}

TEST_F(MemoryRecorderTest, PoisonAndRegistersComeAfterTheStoresBeforeThem) {
  store(0x2000, 1);
  recorder_->processor_stops();
  recorder_->register_written(3_ns, BusAddress{0xfed9'0018}, 4, 0x8000'0001);
  memory_.poison(3);
  recorder_->page_poisoned(4_ns, 3);
  recorder_->processor_resumes();

  const auto found = records();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].kind, Kind::Store);
  EXPECT_EQ(found[1].kind, Kind::Register);
  EXPECT_EQ(found[1].payload, (std::vector{std::byte{1}, std::byte{0}, std::byte{0}, std::byte{0x80}}));
  EXPECT_EQ(found[2].kind, Kind::Fill);
  EXPECT_EQ(found[2].header[0], 0x3000u);
}

TEST_F(MemoryRecorderTest, ADumpHasEveryByteAndHolesForZeroes) {
  store(0x1'0003, 7);
  store(0xf'ffff, 8);
  memory_.save(folder_ / "dump");

  std::ifstream in(folder_ / "dump", std::ios::binary);
  const std::string dump{std::istreambuf_iterator<char>(in), {}};
  ASSERT_EQ(dump.size(), std::size_t{1} << 20);
  EXPECT_EQ(dump[0x1'0003], 7);
  EXPECT_EQ(dump[0xf'ffff], 8);
  EXPECT_EQ(std::count(dump.begin(), dump.end(), '\0'), (1 << 20) - 2);
  EXPECT_FALSE(fs::exists(folder_ / "dump.partial"));
}

TEST_F(MemoryRecorderTest, ADumpThatCannotBeWrittenSaysWhere) {
  try {
    memory_.save(folder_ / "missing" / "dump");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_NE(std::string{error.what()}.find("missing/dump"), std::string::npos);
  }
}

}  // namespace
}  // namespace holdover::sim
