// SPDX-License-Identifier: MIT
// The formulas against values that were computed from pcie-bench's model by other means (its bw_calc.dat for Gen3 x8).
#include "bench/measure/theory.h"

#include <gtest/gtest.h>

namespace holdover::bench::testing {
namespace {

struct Row {
  std::uint64_t size;
  double write, read, read_write;
};

TEST(LinkTheory, GenerationThreeByEight) {
  const LinkTheory link{.wide_addresses = true};
  EXPECT_NEAR(link.raw(), 63.0154, 1e-4);
  EXPECT_NEAR(link.tlp_bandwidth(), 57.8848, 1e-4);
  for (const Row& row :
       {Row{1, 2.315, 2.412, 1.181}, Row{4, 8.269, 9.647, 4.453}, Row{16, 23.154, 25.727, 14.471},
        Row{64, 42.098, 44.103, 33.077}, Row{65, 42.275, 44.265, 33.297}, Row{128, 48.745, 50.063, 42.098},
        Row{256, 52.923, 53.690, 48.745}, Row{257, 48.775, 50.089, 45.217}, Row{512, 52.923, 53.690, 50.748},
        Row{513, 50.760, 51.824, 46.911}, Row{1025, 51.818, 52.739, 48.753}, Row{1500, 52.815, 53.597, 50.599},
        Row{2048, 52.923, 53.690, 50.748}}) {
    EXPECT_NEAR(link.write(row.size), row.write, 6e-4) << row.size;
    EXPECT_NEAR(link.read(row.size), row.read, 6e-4) << row.size;
    EXPECT_NEAR(link.read_write(row.size), row.read_write, 6e-4) << row.size;
  }
}

TEST(LinkTheory, AnswersCutAtEveryBoundaryAndShortAddresses) {
  LinkTheory link{.wide_addresses = true, .completion = 64};
  EXPECT_NEAR(link.read(64), 44.103, 6e-4);
  EXPECT_NEAR(link.read(65), 35.833, 6e-4);
  EXPECT_NEAR(link.read(257), 41.671, 6e-4);
  EXPECT_NEAR(link.read(1024), 44.103, 6e-4);
  link.wide_addresses = false;
  EXPECT_NEAR(link.write(64), 44.103, 6e-4);
  EXPECT_NEAR(link.write(256), 53.690, 6e-4);
  EXPECT_NEAR(link.write_bound(4096), 58.449, 6e-4);
  link.wide_addresses = true;
  EXPECT_NEAR(link.write_bound(4096), 57.614, 6e-4);
}

TEST(LinkTheory, OtherLinks) {
  struct Other {
    LinkTheory link;
    double tlp_bandwidth, write_64, read_64, write_256, read_256;
  };
  for (const Other& other : {Other{{1, 1, 128, 512, true, 128}, 1.8598, 1.353, 1.417, 1.566, 1.608},
                             Other{{2, 4, 128, 512, true, 128}, 13.8939, 10.105, 10.586, 11.700, 12.016},
                             Other{{3, 4, 256, 512, true, 256}, 29.0700, 21.142, 22.149, 26.578, 26.964},
                             Other{{3, 8, 512, 512, true, 512}, 57.3117, 41.681, 43.666, 52.399, 53.159},
                             Other{{3, 16, 256, 512, true, 256}, 113.7001, 82.691, 86.629, 103.954, 105.461},
                             Other{{4, 8, 256, 512, true, 256}, 115.7695, 84.196, 88.205, 105.846, 107.380},
                             Other{{5, 16, 256, 512, true, 256}, 454.8002, 330.764, 346.514, 415.817, 421.844}}) {
    const std::string which = std::to_string(other.link.generation) + " x" + std::to_string(other.link.lanes);
    EXPECT_NEAR(other.link.tlp_bandwidth(), other.tlp_bandwidth, 6e-4) << which;
    EXPECT_NEAR(other.link.write(64), other.write_64, 6e-4) << which;
    EXPECT_NEAR(other.link.read(64), other.read_64, 6e-4) << which;
    EXPECT_NEAR(other.link.write(256), other.write_256, 6e-4) << which;
    EXPECT_NEAR(other.link.read(256), other.read_256, 6e-4) << which;
  }
}

TEST(EngineTheory, RingsAndNarrowStreamsTakeTheirShare) {
  const LinkTheory link;
  const EngineTheory engine;
  // 16 headers, the data, a record with its header, an eighth of the read of eight descriptors.
  EXPECT_NEAR(engine.write(link, 4096), link.tlp_bandwidth() * 4096 / (16 * 20 + 4096 + 36 + 2.5), 1e-9);
  EXPECT_NEAR(engine.read(link, 4096), link.tlp_bandwidth() * 4096 / (16 * 20 + 4096 + 32 + 2.5), 1e-9);
  EngineTheory narrow = engine;
  narrow.beat = 8;
  EXPECT_NEAR(narrow.write(link, 65536), 16.0, 0.01);
  EXPECT_NEAR(narrow.read(link, 65536), 16.0, 0.02);
}

}  // namespace
}  // namespace holdover::bench::testing
