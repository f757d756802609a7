// SPDX-License-Identifier: MIT
#include "sim/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>

#include "pcie/error.h"
#include "sim/trace_reader.h"

namespace holdover::sim {
namespace {

namespace fs = std::filesystem;

class TraceTest : public ::testing::Test {
 protected:
  TraceTest() {
    std::string name = (fs::temp_directory_path() / "trace-test-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~TraceTest() override { fs::remove_all(folder_); }

  [[nodiscard]] fs::path path(const std::string& name = "run.tlp") const { return folder_ / name; }
  [[nodiscard]] static std::string content(const fs::path& file) {
    std::ifstream stream{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
  }

  fs::path folder_;
};

pcie::Tlp write_of(std::size_t bytes) {
  pcie::Tlp tlp;
  tlp.kind = pcie::TlpKind::MemoryWrite;
  tlp.requester = 0x0100;
  tlp.address = 0x1'2345'6000;
  tlp.length_dw = static_cast<std::uint16_t>(bytes / 4);
  tlp.first_be = 0xf;
  tlp.last_be = bytes > 4 ? 0xf : 0;
  for (std::size_t i = 0; i < bytes; ++i) tlp.payload.push_back(static_cast<std::byte>(i));
  return tlp;
}

pcie::Tlp read_of() {
  pcie::Tlp tlp;
  tlp.length_dw = 1;
  tlp.first_be = 0xf;
  return tlp;
}

ErrorCode code_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::InvalidArgument;
}

TEST_F(TraceTest, ReadsBackWhatWasWritten) {
  TraceWriter writer{path(), {0x1111'2222'3333'4444, 77}};
  writer.write(5_ns, 1, Direction::Tx, write_of(64));
  writer.write(6_ns, 0, Direction::Rx, read_of());
  writer.close();

  TraceReader reader{path()};
  EXPECT_EQ(reader.info().configuration_hash, 0x1111'2222'3333'4444u);
  EXPECT_EQ(reader.info().seed, 77u);
  const auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->time, 5_ns);
  EXPECT_EQ(first->endpoint, 1u);
  EXPECT_EQ(first->direction, Direction::Tx);
  EXPECT_EQ(first->header, pcie::encode_header(write_of(64)));
  EXPECT_EQ(first->payload, write_of(64).payload);
  const auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->direction, Direction::Rx);
  EXPECT_TRUE(second->payload.empty());
  EXPECT_FALSE(reader.next());
}

TEST_F(TraceTest, TheFormatIsTheDocumentedOne) {
  TraceWriter writer{path(), {0x0102, 0x0304}};
  writer.write(Time{0x0506}, 3, Direction::Tx, write_of(4));
  writer.close();

  const std::string file = content(path());
  ASSERT_EQ(file.size(), 32u + 32u + 4u + 32u + 16u + 32u);
  EXPECT_EQ(file.substr(0, 8), std::string("HOLDTLP\0", 8));
  EXPECT_EQ(file[8], 3);
  EXPECT_EQ(file.substr(16, 2), "\x02\x01");
  EXPECT_EQ(file.substr(24, 2), "\x04\x03");
  EXPECT_EQ(file.substr(32, 2), "\x06\x05");
  EXPECT_EQ(file[40], 3);
  EXPECT_EQ(file[41], 1);
  EXPECT_EQ(file[44], 4);
  EXPECT_EQ(file[32 + 16 + 3], 0x60);  // Fmt and Type of a four-word memory write
  EXPECT_EQ(file.substr(64, 4), std::string("\0\1\2\3", 4));
  EXPECT_EQ(file[68 + 9], '\xff');
  EXPECT_EQ(file[68 + 12], 16);
  EXPECT_EQ(file.substr(100, 2), "\x06\x05");
  EXPECT_EQ(file[108], 32);
  EXPECT_EQ(file[116], 68);
  EXPECT_EQ(file[124], 1);
  EXPECT_EQ(file[132], 1);
  EXPECT_EQ(file.substr(140), std::string("HOLDIDX\0", 8));
}

TEST_F(TraceTest, TheSameRecordsMakeTheSameBytesAlsoBeyondTheBuffer) {
  for (const char* name : {"a", "b"}) {
    TraceWriter writer{path(name), {1, 2}};
    for (unsigned i = 0; i < 600; ++i) writer.write(Time{i}, 0, Direction::Tx, write_of(4096));
    writer.close();
  }

  EXPECT_GT(fs::file_size(path("a")), 32u + 600u * (32u + 4096u));
  EXPECT_TRUE(content(path("a")) == content(path("b")));
}

TEST_F(TraceTest, AppearsUnderItsNameOnlyWhenItIsComplete) {
  TraceWriter writer{path(), {1, 2}};
  writer.write(1_ns, 0, Direction::Tx, write_of(4));
  writer.flush();
  EXPECT_FALSE(fs::exists(path()));
  writer.close();

  EXPECT_TRUE(fs::exists(path()));
  EXPECT_EQ(std::distance(fs::directory_iterator{folder_}, fs::directory_iterator{}), 1);
}

TEST_F(TraceTest, LeavesNothingBehindWhereItWasNotClosed) {
  { const TraceWriter writer{path(), {1, 2}}; }

  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(TraceTest, AnUnwritablePlaceIsRefusedWithItsName) {
  const fs::path nowhere = folder_ / "missing" / "run.tlp";
  try {
    const TraceWriter writer{nowhere, {1, 2}};
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Unavailable);
    EXPECT_NE(std::string{error.what()}.find(nowhere.string()), std::string::npos);
  }
}

TEST_F(TraceTest, AFullDiskIsRefusedAtTheFlush) {
  fs::create_symlink("/dev/full", path("run.tlp.partial"));
  TraceWriter writer{path(), {1, 2}};
  writer.write(1_ns, 0, Direction::Tx, write_of(4));

  EXPECT_EQ(code_of([&] { writer.flush(); }), ErrorCode::Unavailable);
}

TEST_F(TraceTest, ANameThatIsADirectoryIsRefusedAndLeavesNothing) {
  fs::create_directory(path());
  TraceWriter writer{path(), {1, 2}};

  EXPECT_EQ(code_of([&] { writer.close(); }), ErrorCode::Unavailable);

  EXPECT_FALSE(fs::exists(path("run.tlp.partial")));
}

TEST_F(TraceTest, RefusesFilesThatAreNoTraceOrEndTooSoon) {
  TraceWriter writer{path(), {1, 2}};
  writer.write(1_ns, 0, Direction::Tx, write_of(64));
  writer.close();
  const std::string good = content(path());
  const auto read_all = [this](const std::string& bytes) {
    std::ofstream{path("bad"), std::ios::binary} << bytes;
    TraceReader reader{path("bad")};
    while (reader.next()) continue;
  };
  std::string other_version = good;
  other_version[8] = 9;
  std::string no_direction = good;
  no_direction[41] = 6;

  EXPECT_NO_THROW(read_all(good));
  for (const std::string& bad : {std::string{"HOLD"}, std::string(64, 'x'), other_version, no_direction,
                                 good.substr(0, 40), good.substr(0, good.size() - 1)}) {
    EXPECT_EQ(code_of([&] { read_all(bad); }), ErrorCode::Corrupt);
  }
  EXPECT_EQ(code_of([&] { TraceReader{path("missing")}; }), ErrorCode::Unavailable);
}

TEST_F(TraceTest, RecordsOfMemoryAreReadWhereTheyAreAskedFor) {
  using Kind = trace_format::RecordKind;
  const std::vector<std::byte> stored{std::byte{7}, std::byte{8}, std::byte{9}};
  TraceWriter writer{path(), {1, 2}};
  writer.write_store(1_ns, PhysicalAddress{0x1'2345'6789}, stored);
  writer.write(2_ns, 1, Direction::Tx, write_of(8));
  writer.write_effect(3_ns, 1, write_of(8));
  writer.write_register(4_ns, BusAddress{0xfed9'0018}, stored);
  writer.write_fill(5_ns, PhysicalAddress{0x3000}, 0xdead'f00d'0000'0003);
  writer.close();

  TraceReader silent{path()};
  EXPECT_EQ(silent.next()->time, 2_ns);
  EXPECT_FALSE(silent.next());

  TraceReader reader{path()};
  reader.include_memory();
  std::vector<TraceRecord> found;
  while (auto record = reader.next()) found.push_back(*record);
  ASSERT_EQ(found.size(), 5u);
  EXPECT_EQ(found[0].kind, Kind::Store);
  EXPECT_EQ(found[0].header, (pcie::TlpHeader{0x2345'6789, 1, 0, 0}));
  EXPECT_EQ(found[0].payload, stored);
  EXPECT_EQ(found[1].kind, Kind::Tx);
  EXPECT_EQ(found[2].kind, Kind::Effect);
  EXPECT_EQ(found[2].endpoint, 1u);
  EXPECT_EQ(found[2].header, found[1].header);
  EXPECT_TRUE(found[2].payload.empty());
  EXPECT_EQ(found[3].kind, Kind::Register);
  EXPECT_EQ(found[4].header, (pcie::TlpHeader{0x3000, 0, 3, 0xdead'f00d}));
}

TEST_F(TraceTest, EveryPrefixIsReadUpToItsBreak) {
  TraceWriter writer{path(), {1, 2}};
  for (unsigned n = 0; n < 5; ++n) writer.write(Time{n}, 0, Direction::Tx, write_of(8));
  writer.close();
  const std::string good = content(path());
  for (std::size_t size = 32; size < good.size(); ++size) {
    std::ofstream{path("cut"), std::ios::binary} << good.substr(0, size);
    TraceReader reader{path("cut")};
    EXPECT_FALSE(reader.index_complaint().empty()) << size;
    std::size_t records = 0;
    EXPECT_EQ(code_of([&] {
                while (reader.next()) ++records;
              }),
              ErrorCode::Corrupt)
        << size;
    EXPECT_EQ(records, std::min<std::size_t>(5, (size - 32) / 40)) << size;
  }
}

TEST_F(TraceTest, DamagedBytesAreToldAndNeverMore) {
  TraceWriter writer{path(), {1, 2}};
  for (unsigned n = 0; n < 5; ++n) writer.write(Time{n}, 0, Direction::Tx, write_of(8));
  writer.close();
  const std::string good = content(path());
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int flip : {1, 128, 255}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      std::ofstream{path("bad"), std::ios::binary} << bad;
      try {
        TraceReader reader{path("bad")};
        reader.seek(Time{3});
        std::size_t records = 0;
        while (reader.next()) ++records;
        EXPECT_LE(records, 5u);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Corrupt);
      }
    }
  }
}

TEST_F(TraceTest, SeeksByItsIndex) {
  TraceWriter writer{path(), {1, 2}};
  for (unsigned n = 0; n < 500; ++n) writer.write(Time{10 * n}, 0, Direction::Tx, write_of(4096));
  writer.close();
  TraceReader reader{path()};
  EXPECT_EQ(reader.index_complaint(), "");
  for (const std::uint64_t wanted : {4990u, 0u, 2505u, 9999u}) {
    reader.seek(Time{wanted});
    const auto record = reader.next();
    ASSERT_TRUE(record);
    EXPECT_LE(record->time.count(), wanted);
    if (wanted < 5000) {
      EXPECT_GE(record->time.count() + 10 * 20, wanted) << "it read more than a stride of records";
    }
  }
}

TEST(ConfigurationHash, DependsOnTheMachineAndNotOnSeedOrPaths) {
  const MachineConfig plain;
  MachineConfig same = plain;
  same.seed = 99;
  same.trace = "elsewhere";
  MachineConfig blackout = plain;
  blackout.blackout = 3_ms;
  MachineConfig faulty = plain;
  faulty.faults.push_back(MachineFault{});
  MachineConfig other_topology = plain;
  other_topology.topology = "switch";

  EXPECT_EQ(configuration_hash(same), configuration_hash(plain));
  EXPECT_NE(configuration_hash(blackout), configuration_hash(plain));
  EXPECT_NE(configuration_hash(faulty), configuration_hash(plain));
  EXPECT_NE(configuration_hash(other_topology), configuration_hash(plain));
}

}  // namespace
}  // namespace holdover::sim
