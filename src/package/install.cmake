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

# Packages for Debian, by `cpack -G DEB` in the build directory.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME poolcpuid)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "poolcpuid maintainers <poolcpuid@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "CPUID policies for migration pools of x86 hosts")
set(CPACK_PACKAGE_DIRECTORY ${PACKAGE_FILES}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS})
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME poolcpuid)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
    "Virtual machines that move between hosts keep the CPUID that they were
started with. poolcpuid computes one guest CPUID policy that is true on every
host of a pool, from CPUID and MSR dumps of the hosts, and writes it in the
language of QEMU, libvirt, Xen and other VMMs.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libpoolcpuid-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "nettle-dev, libutf8proc-dev, libpugixml-dev, libarchive-dev, liblzma-dev, zlib1g-dev, libzstd-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "The C++ library of poolcpuid, which computes one guest CPUID policy for a
migration pool of x86 hosts: headers, a static library, and the files by which
CMake and pkg-config find it.")
include(CPack)

# The program as a release has it, with the digest of the file.
if(POOLCPUID_STATIC)
    set(ARTEFACT poolcpuid-${PROJECT_VERSION}-x86_64-linux)
    add_custom_target(dist
        COMMAND ${CMAKE_COMMAND} -E make_directory dist
        COMMAND ${CMAKE_STRIP} -o dist/${ARTEFACT} $<TARGET_FILE:poolcpuid_cli>
        COMMAND ${CMAKE_COMMAND} -E chdir dist sha256sum ${ARTEFACT} > dist/SHA256SUMS
        DEPENDS poolcpuid_cli
        COMMENT "Writing dist/${ARTEFACT} and dist/SHA256SUMS")
endif()
