# `project()` asks for C and C++ compilers, which an extension of scripts does not use and a machine
# for tests may not have. CMake takes this for both, on its word; STAND_IN is any program.
foreach(language IN ITEMS C CXX)
  set(CMAKE_${language}_COMPILER "${STAND_IN}")
  set(CMAKE_${language}_COMPILER_ID_RUN TRUE)
  set(CMAKE_${language}_COMPILER_FORCED TRUE)
  set(CMAKE_${language}_COMPILER_WORKS TRUE)
endforeach()
