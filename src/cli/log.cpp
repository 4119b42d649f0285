#include "cli/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json_text.hpp"
#include "base/printable.hpp"
#include "cli/manner.hpp"
#include "policy/document_json.hpp"

namespace poolcpuid::cli {

namespace {

using Json = nlohmann::ordered_json;

// What the document of --errors json will hold.
struct Record {
    Json errors = Json::array();
    Json warnings = Json::array();
    Json notes = Json::array();
};

Record& record() {
    static Record of_this_run;
    return of_this_run;
}

Json json_of(const Problem& problem) {
    Json json;
    if (!problem.kind.empty()) json["kind"] = problem.kind;  // notes have none
    json["message"] = problem.message;
    const auto put = [&](const char* key, const std::string& text) {
        if (!text.empty()) json[key] = text;
    };
    put("cause", problem.cause);
    put("severity", problem.severity);
    put("code", problem.code);
    put("telling", problem.telling);
    put("impact", problem.impact);
    put("missing", problem.missing);
    put("file", problem.file);
    if (problem.line != 0) json["line"] = problem.line;
    if (problem.expected) json["expected"] = *problem.expected;
    if (problem.found) json["found"] = *problem.found;
    if (!problem.fields.empty()) json["fields"] = problem.fields;
    if (!problem.hosts.names.empty()) document::put_hosts(json, problem.hosts);
    return json;
}

const char* word_of(spdlog::level::level_enum level) {
    switch (level) {
        case spdlog::level::err: return "error";
        case spdlog::level::warn: return "warning";
        case spdlog::level::info: return "note";
        default: return "debug";
    }
}

// A line of --log-format json, without its line feed.
std::string line_of(spdlog::level::level_enum level, const Problem& problem) {
    Json json{{"schema", "poolcpuid/log/v1"}, {"level", word_of(level)}};
    json.update(json_of(problem));
    std::string line = json::line_of(json);
    line.pop_back();
    return line;
}

void note_down(spdlog::level::level_enum level, const Problem& problem) {
    if (level == spdlog::level::err) record().errors.push_back(json_of(problem));
    if (level == spdlog::level::warn) record().warnings.push_back(json_of(problem));
    if (level == spdlog::level::info) record().notes.push_back(json_of(problem));
}

void tell(spdlog::level::level_enum level, const Problem& problem) {
    if (manner().errors_as_json) return note_down(level, problem);
    spdlog::log(level, "{}", manner().log_as_json ? line_of(level, problem) : printable(problem.message));
}

Problem other(const std::string& message) { return {.kind = "other", .message = message}; }

}  // namespace

Problem problem_of(const InputError& error) {
    return {.kind = "input",
            .message = error.what(),
            .file = error.file(),
            .line = error.line(),
            .expected = error.expected(),
            .found = error.found()};
}

void start_log() {
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    sink->set_color_mode(wants_colours(STDERR_FILENO) ? spdlog::color_mode::always : spdlog::color_mode::never);
    auto logger = std::make_shared<spdlog::logger>("poolcpuid", std::move(sink));
    logger->set_pattern(manner().log_as_json ? "%v" : "%n: %^%l%$: %v");
    const auto level = manner().quiet ? spdlog::level::warn : spdlog::level::info;
    logger->set_level(manner().verbose ? spdlog::level::debug : level);
    spdlog::set_default_logger(std::move(logger));
}

void end_log(int exit_status) {
    if (!manner().errors_as_json) return;
    const Record& all = record();
    const std::string text = json::text_of({{"schema", "poolcpuid/errors/v1"},
                                            {"exit_status", exit_status},
                                            {"errors", all.errors},
                                            {"warnings", all.warnings},
                                            {"notes", all.notes}});
    std::fwrite(text.data(), 1, text.size(), stderr);
}

void log_error(const Problem& problem) { tell(spdlog::level::err, problem); }
void log_warning(const Problem& problem) { tell(spdlog::level::warn, problem); }
void log_info(const std::string& message) { tell(spdlog::level::info, {.message = message}); }
void log_debug(const std::string& message) { tell(spdlog::level::debug, {.message = message}); }
void log_error(const InputError& error) { log_error(problem_of(error)); }
void log_error(const std::string& message) { log_error(other(message)); }
void log_warning(const std::string& message) { log_warning(other(message)); }

}  // namespace poolcpuid::cli
