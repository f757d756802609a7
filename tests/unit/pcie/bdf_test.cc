// SPDX-License-Identifier: MIT
// Parsing, printing and packing of a function's address.
#include "pcie/bdf.h"

#include <gtest/gtest.h>

#include "pcie/error.h"

namespace holdover::pcie {
namespace {

TEST(Bdf, ParsesWithAndWithoutSegment) {
  EXPECT_EQ(Bdf::parse("02:1f.7"), (Bdf{0, 2, 31, 7}));
  EXPECT_EQ(Bdf::parse("10af:80:00.1"), (Bdf{0x10af, 0x80, 0, 1}));
}

TEST(Bdf, PrintsWhatItParses) { EXPECT_EQ(Bdf::parse("1:2.3").to_string(), "0000:01:02.3"); }

TEST(Bdf, RequesterIdRoundTripsForEveryId) {
  for (unsigned id = 0; id <= 0xffff; ++id) {
    ASSERT_EQ(Bdf::from_requester_id(static_cast<RequesterId>(id)).requester_id(), id);
  }
}

TEST(Bdf, RefusesWhatIsNoAddressAndNamesIt) {
  for (const char* text : {"", "02", "02:00", "02:20.0", "02:00.8", "002:00.0", "0000:02:00.0x", "g2:00.0", "1:2:3:4.5",
                           ":00.0", "02:.0", "-1:00.0", "00000:00:00.0"}) {
    try {
      static_cast<void>(Bdf::parse(text));
      ADD_FAILURE() << "accepted «" << text << "»";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
      EXPECT_NE(std::string{error.what()}.find(text), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace holdover::pcie
