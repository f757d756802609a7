# SPDX-License-Identifier: MIT
# Writes UNIT, which includes every C++ source in FOLDER, in the order of their names.
file(GLOB sources ${FOLDER}/*.cpp)
list(REMOVE_ITEM sources ${UNIT})
list(SORT sources)
set(text)
foreach(source ${sources})
  get_filename_component(name ${source} NAME)
  string(APPEND text "#include \"${name}\"\n")
endforeach()
file(WRITE ${UNIT} "${text}")
