// SPDX-License-Identifier: MIT
// The heartbeat ledger finds every way in which a record can go missing, and nothing in a stream that is whole.
#include "bench/ledger/heartbeat_ledger.h"

#include "host/driver/dma_abi.h"
#include "host/driver/endpoint_regs.h"
#include "pcie/pattern.h"
#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {
namespace {

namespace writer = host::regs::heartbeat_writer;
namespace reader = host::regs::heartbeat_reader;

constexpr std::uint64_t kBar = 0xe000'0000;
constexpr std::uint64_t kRing = 0x10'0000;
constexpr std::uint32_t kPeriodClocks = 500;  // 2 us
constexpr unsigned kEntries = 4;

class Heartbeat : public BenchScene {
 protected:
  Heartbeat() : ledger(0, scene, evidence, us(1)) {
    registers.set_base(kBar);
    write(us(0), writer::kRingBaseLo, static_cast<std::uint32_t>(kRing));
    write(us(0), writer::kRingEntries, kEntries);
    write(us(0), writer::kPeriod, kPeriodClocks);
    write(us(0), writer::kControl, writer::kControlRun.mask());
  }

  void write(Time time, std::uint32_t offset, std::uint32_t value) {
    for (const auto& each : registers.on_request(register_write(kBar + offset, value))) {
      ledger.on_register_write(time, registers, each);
    }
  }
  void record(Time time, std::uint64_t sequence, std::uint32_t missed = 0) {
    host::HeartbeatRecord record{sequence, sequence * kPeriodClocks, missed, kPeriodClocks, 0};
    record.check = ~(record.sequence ^ record.time);
    put(time, kRing + sequence % kEntries * sizeof record, record);
  }
  void put(Time time, std::uint64_t iova, const host::HeartbeatRecord& record) {
    const std::vector<std::byte> bytes = bytes_of(record);
    EXPECT_TRUE(ledger.on_memory_write(time, {iova, PhysicalAddress{0}, bytes, true}));
  }

  EndpointRegisters registers;
  HeartbeatLedger ledger;
};

TEST_F(Heartbeat, AWholeStreamIsNoFindingAndItsSilencesAreMeasured) {
  for (std::uint64_t n = 0; n < 10; ++n) record(us(2 + 2 * n), n);
  EXPECT_EQ(count(Check::Continuity), 0u) << first(Check::Continuity);
  EXPECT_EQ(ledger.records(), 10u);
  EXPECT_EQ(ledger.longest_silence(), us(2));
}

TEST_F(Heartbeat, ALostRecordIsNamed) {
  record(us(2), 0);
  record(us(4), 2);
  EXPECT_EQ(first(Check::Continuity), "heartbeat records 1 to 1 of endpoint 0 lost");
}

TEST_F(Heartbeat, ARepeatedRecordIsAFinding) {
  record(us(2), 0);
  record(us(4), 1);
  record(us(4), 1);
  EXPECT_EQ(count(Check::Continuity), 1u);
  EXPECT_NE(first(Check::Continuity).find("came again or out of order"), std::string::npos);
}

TEST_F(Heartbeat, AMissedDeadlineIsToldApartFromALostRecord) {
  record(us(2), 0);
  record(us(4), 2, 1);
  EXPECT_EQ(count(Check::Continuity), 1u);
  EXPECT_NE(first(Check::Continuity).find("missed 1 heartbeat deadlines"), std::string::npos);
}

TEST_F(Heartbeat, AWrongCheckWordIsAFinding) {
  put(us(2), kRing, {0, 0, 0, kPeriodClocks, 0});
  EXPECT_NE(first(Check::Continuity).find("wrong check word"), std::string::npos);
}

TEST_F(Heartbeat, ARecordInTheWrongSlotIsAFinding) {
  host::HeartbeatRecord record{0, 0, 0, kPeriodClocks, ~std::uint64_t{0}};
  put(us(2), kRing + sizeof record, record);
  EXPECT_NE(first(Check::Continuity).find("went to slot 1 of 4"), std::string::npos);
}

TEST_F(Heartbeat, ATimeStampOffItsDeadlineIsAFinding) {
  record(us(2), 0);
  host::HeartbeatRecord late{1, kPeriodClocks + 1, 0, kPeriodClocks, 0};
  late.check = ~(late.sequence ^ late.time);
  put(us(4), kRing + sizeof late, late);
  EXPECT_NE(first(Check::Continuity).find("time stamp off its deadline"), std::string::npos);
}

TEST_F(Heartbeat, SilenceBeyondPeriodAndMachineDelayIsReportedOnce) {
  record(us(2), 0);
  ledger.on_time(us(5));  // exactly the limit
  EXPECT_EQ(count(Check::Continuity), 0u);
  ledger.on_time(Time{us(5).count() + 1});
  ledger.on_time(us(50));
  EXPECT_EQ(count(Check::Continuity), 1u);
  EXPECT_NE(first(Check::Continuity).find("silent for more than 3.000 us after heartbeat record 0"), std::string::npos);
}

TEST_F(Heartbeat, NothingIsExpectedOfAWriterThatWasStopped) {
  record(us(2), 0);
  write(us(3), writer::kControl, 0);
  ledger.on_time(us(100));
  EXPECT_EQ(count(Check::Continuity), 0u);
}

TEST_F(Heartbeat, TheCauseNamesTheActAndHowSoonARecordWasLost) {
  record(us(2), 0);
  mark(us(3), pcie::Phase::Shutdown);
  evidence.disrupt(us(3), 1, Rank::Act, Evidence::kTraffic, "bus master enable cleared at 0000:03:00.0 (endpoint 0)");
  ledger.on_time(us(20));
  EXPECT_EQ(cause(Check::Continuity),
            "bus master enable cleared at 0000:03:00.0 (endpoint 0) by kernel A, phase shutdown, 3.000 us; first lost "
            "record 250 clocks later");
}

TEST_F(Heartbeat, TheReaderMustAskForEachCellInTurn) {
  write(us(0), reader::kRingBaseLo, 0x20'0000);
  write(us(0), reader::kRingEntries, 3);
  write(us(0), reader::kControl, 1);
  for (const unsigned cell : {0u, 1u, 2u, 0u}) EXPECT_TRUE(ledger.on_read_request(us(1), 0x20'0000 + 32 * cell, 32));
  EXPECT_EQ(count(Check::Continuity), 0u);
  EXPECT_TRUE(ledger.on_read_request(us(2), 0x20'0000 + 64, 32));
  EXPECT_NE(first(Check::Continuity).find("asked for cell 2; 1 was expected"), std::string::npos);
}

TEST_F(Heartbeat, AWrongByteServedToTheReaderIsFound) {
  write(us(0), reader::kRingBaseLo, 0x20'0000);
  write(us(0), reader::kRingEntries, 3);
  write(us(0), reader::kSeed, 7);
  write(us(0), reader::kControl, 1);
  std::vector<std::byte> cell(32);
  pcie::fill_pattern(cell, 7, 0, 32);
  EXPECT_TRUE(ledger.on_memory_read(us(1), {0x20'0020, PhysicalAddress{0x5020}, cell, true}));
  EXPECT_EQ(count(Check::Memory), 0u);
  cell[5] ^= std::byte{1};
  EXPECT_TRUE(ledger.on_memory_read(us(1), {0x20'0020, PhysicalAddress{0x5020}, cell, true}));
  EXPECT_NE(first(Check::Memory).find("wrong byte at 0x200025"), std::string::npos);
}

}  // namespace
}  // namespace holdover::bench::testing
