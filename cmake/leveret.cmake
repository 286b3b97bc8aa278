# What every target of ours shares: the language, the warnings, the sanitizers, the compiler cache and the linker.

find_program(LEVERET_CCACHE ccache)
if(LEVERET_CCACHE)
  # Precompiled headers need the two; no source of ours looks at the time it was compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${LEVERET_CCACHE})
endif()
find_program(LEVERET_MOLD mold)

add_library(leveret_options INTERFACE)
target_compile_features(leveret_options INTERFACE cxx_std_20)
target_compile_options(leveret_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC 12 sees overflows in its own std::string when it optimises, and two allocators in a coroutine's frame.
  target_compile_options(leveret_options INTERFACE -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict
                                                   -Wno-array-bounds -Wno-maybe-uninitialized
                                                   -Wno-mismatched-new-delete)
endif()
target_include_directories(leveret_options INTERFACE ${PROJECT_SOURCE_DIR})
if(LEVERET_MOLD)
  target_link_options(leveret_options INTERFACE -fuse-ld=mold)
endif()
if(LEVERET_SANITIZE)
  target_compile_options(leveret_options INTERFACE -fsanitize=${LEVERET_SANITIZE} -fno-sanitize-recover=all
                                                   -fno-omit-frame-pointer)
  target_link_options(leveret_options INTERFACE -fsanitize=${LEVERET_SANITIZE})
  target_compile_definitions(leveret_options INTERFACE LEVERET_SANITIZED)
  if(LEVERET_SANITIZE MATCHES thread)
    # The thread sanitizer does not look at fences.  Asio puts them around handlers, where its own locks order the same.
    target_compile_definitions(leveret_options INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()

# leveret_library(NAME SOURCES ... LINKS ...): a folder's library; what it links to are the arrows of docs/architecture.md.
function(leveret_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC leveret_options ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()

set(LEVERET_TEST_SECONDS 120)  # after which a test counts as stuck
if(LEVERET_SANITIZE)
  set(LEVERET_TEST_SECONDS 600)
endif()

# leveret_test(NAME SOURCES ... LINKS ...): one GoogleTest program, each of its tests known to ctest.
function(leveret_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE leveret_options ${ARG_LINKS} GTest::gmock GTest::gtest_main)
  if(LEVERET_SANITIZE)
    # Of a test under a sanitizer it is the building that takes the time.
    target_compile_options(${name} PRIVATE -O0)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT ${LEVERET_TEST_SECONDS})
endfunction()
