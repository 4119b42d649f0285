# What `cmake --install` puts where, and what CPack makes of it: the component `program` is the package poolcpuid, and
# `development` is libpoolcpuid-dev. All places are relative to the prefix, so that an installation can be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(PACKAGE_SOURCE ${PROJECT_SOURCE_DIR}/src/package)
set(PACKAGE_FILES ${PROJECT_BINARY_DIR}/package)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME program)
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(PROGRAM_DOCUMENTS ${CMAKE_INSTALL_DATADIR}/doc/poolcpuid)
set(DEVELOPMENT_DOCUMENTS ${CMAKE_INSTALL_DATADIR}/doc/libpoolcpuid-dev)

install(TARGETS poolcpuid_cli RUNTIME)
install(DIRECTORY schemas policy DESTINATION ${CMAKE_INSTALL_DATADIR}/poolcpuid)
install(DIRECTORY docs/ DESTINATION ${PROGRAM_DOCUMENTS}/docs)
install(FILES README.md SECURITY.md DESTINATION ${PROGRAM_DOCUMENTS})
install(FILES ${PACKAGE_SOURCE}/copyright DESTINATION ${PROGRAM_DOCUMENTS})

# Manual pages and completions are what the program says of itself.
set(DESCRIBED ${PACKAGE_FILES}/share)
set_property(TARGET poolcpuid_cli APPEND PROPERTY LINK_DEPENDS ${PACKAGE_SOURCE}/describe.cmake)
add_custom_command(TARGET poolcpuid_cli POST_BUILD
    COMMAND ${CMAKE_COMMAND} -D PROGRAM=$<TARGET_FILE:poolcpuid_cli> -D SHARE=${DESCRIBED}
            -D CHANGELOG=${PROJECT_SOURCE_DIR}/CHANGELOG.md -P ${PACKAGE_SOURCE}/describe.cmake
    VERBATIM)
install(DIRECTORY ${DESCRIBED}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
install(DIRECTORY ${DESCRIBED}/doc/ DESTINATION ${PROGRAM_DOCUMENTS})
install(DIRECTORY ${DESCRIBED}/completion/ DESTINATION ${CMAKE_INSTALL_DATADIR})

# The library: one archive, its headers, and how CMake and pkg-config are told of it.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
set(CONFIG_DIRECTORY ${CMAKE_INSTALL_LIBDIR}/cmake/poolcpuid)
install(TARGETS poolcpuid EXPORT poolcpuid-targets ARCHIVE INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/poolcpuid DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT poolcpuid-targets NAMESPACE poolcpuid:: DESTINATION ${CONFIG_DIRECTORY})
configure_package_config_file(${PACKAGE_SOURCE}/poolcpuid-config.cmake.in ${PACKAGE_FILES}/poolcpuid-config.cmake
                              INSTALL_DESTINATION ${CONFIG_DIRECTORY} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PACKAGE_FILES}/poolcpuid-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PACKAGE_FILES}/poolcpuid-config.cmake ${PACKAGE_FILES}/poolcpuid-config-version.cmake
        DESTINATION ${CONFIG_DIRECTORY})
file(RELATIVE_PATH PREFIX_FROM_PKGCONFIG /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PACKAGE_SOURCE}/poolcpuid.pc.in ${PACKAGE_FILES}/poolcpuid.pc @ONLY)
install(FILES ${PACKAGE_FILES}/poolcpuid.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PACKAGE_SOURCE}/copyright DESTINATION ${DEVELOPMENT_DOCUMENTS})
install(FILES ${DESCRIBED}/doc/changelog.gz DESTINATION ${DEVELOPMENT_DOCUMENTS})
install(FILES examples/library/sees_avx2.cpp DESTINATION ${DEVELOPMENT_DOCUMENTS}/examples)
unset(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME)
