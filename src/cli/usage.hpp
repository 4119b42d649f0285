// What is wrong with the arguments of the command line, in one sentence and with what was probably meant.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace poolcpuid::cli {

// The sentence for what the parser threw, when program could not parse the arguments.
std::string usage_message(const CLI::App& program, const CLI::ParseError& error);

// The verb of program that words name, such as {"rules", "list"}; program itself for none. Throws UsageError, with a
// suggestion, for a word that is no verb.
CLI::App& verb_named(CLI::App& program, const std::vector<std::string>& words);

// "poolcpuid rules list".
std::string full_name(const CLI::App& verb);

}  // namespace poolcpuid::cli
