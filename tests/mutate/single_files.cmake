# Given to CMake by tests/mutate/run: the library is compiled file by file, so that a broken file costs seconds, while
# the tests, which stay as they are, are compiled many at once.
function(compile_library_by_files)
    set_target_properties(poolcpuid poolcpuid_rulebook PROPERTIES UNITY_BUILD OFF)
    target_precompile_headers(poolcpuid_rulebook PRIVATE <nlohmann/json.hpp>)
    target_precompile_headers(poolcpuid REUSE_FROM poolcpuid_rulebook)
endfunction()
cmake_language(DEFER CALL compile_library_by_files)
