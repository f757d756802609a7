// SPDX-License-Identifier: MIT
#include "bench/firmware.h"
#include "bench/runner.h"
#include "host/image.h"

namespace holdover::bench {

RunEnd run_in_process(GuardedPlatform& platform) {
  PhysicalAddress parameters = kColdBootParameters;
  for (;;) {
    host::ImageExit exit;
    try {
      exit = host::run_image(platform, parameters);
    } catch (const RunStopped&) {
      return {RunEnd::Kind::Stopped, {}};
    }
    if (platform.ending()) return {RunEnd::Kind::Stopped, {}};
    switch (exit.kind) {
      case host::ImageExit::Kind::Jumped:
        parameters = exit.next_parameters;
        break;
      case host::ImageExit::Kind::Halted:
        return {RunEnd::Kind::Halted, exit.reason};
      case host::ImageExit::Kind::Panicked:
        return {RunEnd::Kind::Panicked, exit.reason};
    }
  }
}

}  // namespace holdover::bench
