# SPDX-License-Identifier: MIT
# The warnings that all of our own code compiles without.
add_library(holdover_warnings INTERFACE)
add_library(holdover::warnings ALIAS holdover_warnings)
target_compile_options(holdover_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast)
