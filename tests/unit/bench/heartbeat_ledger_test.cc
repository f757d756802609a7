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

// A stream may keep its pace and yet lag behind: no silence tells that.
TEST_F(Heartbeat, RecordsThatAllComeLateAreFound) {
  record(us(2), 0);
  for (std::uint64_t n = 1; n < 4; ++n) record(us(3 + 2 * n), n);  // late by 1 us: as much as the machine may take
  EXPECT_EQ(count(Check::Continuity), 0u) << first(Check::Continuity);
  record(us(3 + 2 * 4) + Time{1000}, 4);
  EXPECT_EQ(first(Check::Continuity), "heartbeat record 4 of endpoint 0 came 1.001 us after its deadline");
}

TEST_F(Heartbeat, TheEarliestRecordSaysWhatNoDelayIs) {
  record(us(2), 0);
  record(us(4) - Time{600'000}, 1);  // the one before had been late by at least this
  record(us(6), 2);
  EXPECT_EQ(count(Check::Continuity), 0u) << first(Check::Continuity);
  record(us(8) + Time{500'000}, 3);
  EXPECT_NE(first(Check::Continuity).find("heartbeat record 3 of endpoint 0 came 1.100 us after"), std::string::npos)
      << first(Check::Continuity);
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

TEST_F(Heartbeat, AStreamThatDoesNotBeginAtItsBeginningHasLostRecords) {
  record(us(4), 1);
  ASSERT_EQ(count(Check::Continuity), 2u);  // its silence, and what was lost in it
  EXPECT_EQ(evidence.list(Check::Continuity, ~0u).back().sentence, "heartbeat records 0 to 0 of endpoint 0 lost");
  EXPECT_EQ(ledger.absent(), 1u);
}

TEST_F(Heartbeat, AWriterStoppedAndStartedAgainInTheWindowIsNoContinuity) {
  record(us(2), 0);
  open_window(us(2));
  write(us(3), writer::kControl, 0);
  write(us(4), writer::kControl, writer::kControlRun.mask());
  record(us(6), 0);
  EXPECT_EQ(count(Check::Continuity), 2u);
  EXPECT_EQ(first(Check::Continuity),
            "stop of the heartbeat writer of endpoint 0 by its driver, where traffic must go on");
}

TEST_F(Heartbeat, AWriterMayBeStoppedOnceTheWindowIsClosed) {
  mark(us(0), pcie::Phase::Setup, pcie::Step::TrafficStarted);
  record(us(2), 0);
  open_window(us(2));
  mark(us(3), pcie::Phase::Finish, pcie::Step::WindowEnd);
  write(us(3), writer::kControl, 0);
  EXPECT_EQ(count(Check::Continuity), 0u) << first(Check::Continuity);
}

TEST_F(Heartbeat, ARecordThatWasSentLastAndNeverCameIsFound) {
  ledger.on_transmit(kRing);
  record(us(2), 0);
  ledger.on_transmit(kRing + sizeof(host::HeartbeatRecord));
  write(us(4), writer::kControl, 0);
  ledger.on_end(us(5), true);
  EXPECT_EQ(first(Check::Continuity), "1 heartbeat records left endpoint 0 and never reached memory");
}

TEST_F(Heartbeat, RecordsThatWereDueAndNeverCameAreCounted) {
  record(us(2), 0);
  record(us(10), 4);
  EXPECT_EQ(ledger.absent(), 3u);
  ledger.on_end(us(31), false);  // 12, 14, …, 30 were due; the machine may still have the last one
  EXPECT_EQ(ledger.absent(), 13u);
}

class HeartbeatReader : public Heartbeat {
 protected:
  HeartbeatReader() {
    write(us(0), writer::kControl, 0);
    write(us(0), reader::kRingBaseLo, 0x20'0000);
    write(us(0), reader::kRingEntries, 3);
    write(us(0), reader::kPeriod, kPeriodClocks);
    write(us(0), reader::kControl, 1);
  }
  void ask(Time time, unsigned cell) { EXPECT_TRUE(ledger.on_read_request(time, 0x20'0000 + 32 * cell, 32)); }
};

TEST_F(HeartbeatReader, AReaderThatAsksForNothingAnyMoreIsFound) {
  ask(us(2), 0);
  ledger.on_time(us(7));  // two periods and the machine's delay
  EXPECT_EQ(count(Check::Continuity), 0u) << first(Check::Continuity);
  ledger.on_time(us(8));
  ledger.on_time(us(100));
  EXPECT_EQ(count(Check::Continuity), 1u);
  EXPECT_EQ(first(Check::Continuity),
            "the heartbeat reader of endpoint 0 asked for nothing for more than 5.000 us after 2.000 us");
}

TEST_F(HeartbeatReader, AWholeRingThatWasSkippedIsFoundAsSilence) {
  ask(us(2), 0);
  ask(us(10), 1);
  EXPECT_EQ(count(Check::Continuity), 1u);
}

TEST_F(HeartbeatReader, TheFirstCellIsTheFirstOfTheRing) {
  ask(us(2), 1);
  EXPECT_NE(first(Check::Continuity).find("asked for cell 1; 0 was expected"), std::string::npos);
}

TEST_F(HeartbeatReader, AReaderStoppedInTheWindowIsFound) {
  ask(us(2), 0);
  open_window(us(2));
  write(us(3), reader::kControl, 0);
  EXPECT_EQ(first(Check::Continuity),
            "stop of the heartbeat reader of endpoint 0 by its driver, where traffic must go on");
}

}  // namespace
}  // namespace holdover::bench::testing
