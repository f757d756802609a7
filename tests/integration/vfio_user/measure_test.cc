// SPDX-License-Identifier: MIT
// A measurement through a socket: the figures are the endpoint's, and know nothing of how fast its simulation runs.
#include "bench/measure/measure.h"

#include <gmock/gmock.h>

#include "host/backend/vfio_user/vfio_user_system.h"
#include "host/driver/endpoint_regs.h"
#include "pcie/error.h"
#include "tests/integration/vfio_user/served_endpoint.h"

namespace holdover {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Ge;
using ::testing::Le;

bench::MeasureOptions register_reads() {
  bench::MeasureOptions options;
  options.tests = {"LAT_MMIO_RD"};
  options.samples = 50;
  options.machine.disturb = "none";
  options.machine.max_payload = 256;
  return options;
}

TEST(VfioUserMeasurement, RegisterReadsTakeWhatTheyTakeWithoutASocket) {
  const bench::MeasureReport here = bench::measure(register_reads(), sim::build_machine);
  test::ServedEndpoint endpoint;
  host::VfioUserSystem system(endpoint.socket(), host::VfioUserOptions{});
  const bench::MeasuredSystem measured{"served", system, bench::TimeBase::Device, 200_us};
  const bench::MeasureReport there = bench::measure(register_reads(), measured);
  ASSERT_EQ(there.latency.size(), 4u);
  // Where in its clock an access meets the link is nobody's choice.
  const double two_clocks = 2 * there.endpoint.clock_period;
  for (std::size_t n = 0; n < 4; ++n) {
    const bench::LatencyPoint& point = there.latency[n];
    EXPECT_THAT((std::vector{point.minimum, point.mean, point.median, point.p95, point.p99, point.maximum}),
                Each(AllOf(Ge(here.latency[n].minimum - two_clocks), Le(here.latency[n].maximum + two_clocks))))
        << "loads of " << point.size << " bytes";
  }
}

TEST(VfioUserMeasurement, ALoadThatIsTimedIsStillARightOne) {
  test::ServedEndpoint endpoint;
  host::VfioUserSystem system(endpoint.socket(), host::VfioUserOptions{});
  const auto device = system.open_device(system.devices().at(0));
  EXPECT_THROW((void)system.time_load(*device, 0, Bytes{2}, 4), Error);
  EXPECT_THROW((void)system.time_load(*device, 1, Bytes{0}, 4), Error);
  EXPECT_GT(system.time_load(*device, 0, Bytes{host::regs::global::kId}, 4).count(), 0);
}

}  // namespace
}  // namespace holdover
