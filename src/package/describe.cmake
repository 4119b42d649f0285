# cmake -D PROGRAM=FILE -D SHARE=DIR -D CHANGELOG=FILE -P describe.cmake: writes what the program says of itself under
# SHARE: man/ has its manual pages, completion/ the shells' completions, doc/ the changelog, all as packages have them.
file(REMOVE_RECURSE ${SHARE})

function(write_output file)
    get_filename_component(directory ${file} DIRECTORY)
    file(MAKE_DIRECTORY ${directory})
    execute_process(COMMAND ${ARGN} OUTPUT_FILE ${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# gzip without a name and a time: the same text is the same file.
find_program(GZIP gzip REQUIRED)

set(manual ${SHARE}/man/man1)
write_output(${manual}/poolcpuid.1 ${PROGRAM} help --man)
# The program's page refers to those of its verbs.
file(STRINGS ${manual}/poolcpuid.1 references REGEX "^\\.BR poolcpuid\\\\-[a-z]+ \\(1\\)")
foreach(reference IN LISTS references)
    string(REGEX REPLACE "^\\.BR poolcpuid\\\\-([a-z]+) .*" "\\1" verb ${reference})
    write_output(${manual}/poolcpuid-${verb}.1 ${PROGRAM} help --man ${verb})
endforeach()
file(GLOB pages ${manual}/*.1)
execute_process(COMMAND ${GZIP} -9n -- ${pages} COMMAND_ERROR_IS_FATAL ANY)
write_output(${SHARE}/doc/changelog.gz ${GZIP} -9nc -- ${CHANGELOG})

set(completion ${SHARE}/completion)
write_output(${completion}/bash-completion/completions/poolcpuid ${PROGRAM} completion bash)
write_output(${completion}/zsh/site-functions/_poolcpuid ${PROGRAM} completion zsh)
write_output(${completion}/fish/vendor_completions.d/poolcpuid.fish ${PROGRAM} completion fish)
