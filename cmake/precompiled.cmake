# SPDX-License-Identifier: MIT
# What most sources include is read in one piece. Sources include what they use all the same:
# CMAKE_DISABLE_PRECOMPILE_HEADERS builds without it.
include_guard(GLOBAL)

set(holdover_common_headers
  <algorithm> <array> <cerrno> <cstddef> <cstdint> <cstring> <deque> <functional> <map> <memory> <optional> <set> <span>
  <string> <string_view> <utility> <vector>)

# holdover_precompiled(PROVIDER name HEADERS header... [LIBRARIES library...] DIRECTORIES directory...)
#
# Every target of the directories that links holdover::warnings (what Verilator writes does not) gets the headers from
# PROVIDER, a library that this makes. It is compiled with the options of the calling directory and of LIBRARIES.
function(holdover_precompiled)
  cmake_parse_arguments(arg "" "PROVIDER" "HEADERS;LIBRARIES;DIRECTORIES" ${ARGN})
  file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${arg_PROVIDER}.cc CONTENT "")
  add_library(${arg_PROVIDER} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${arg_PROVIDER}.cc)
  target_link_libraries(${arg_PROVIDER} PRIVATE holdover::warnings ${arg_LIBRARIES})
  target_precompile_headers(${arg_PROVIDER} PRIVATE ${arg_HEADERS})
  foreach(directory ${arg_DIRECTORIES})
    get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target ${targets})
      get_target_property(linked ${target} LINK_LIBRARIES)
      if("holdover::warnings" IN_LIST linked)
        target_precompile_headers(${target} REUSE_FROM ${arg_PROVIDER})
      endif()
    endforeach()
  endforeach()
endfunction()
