// Changes to the JSON in an input, wherever it stands: a value goes, comes twice, or takes the place of another, and a
// number in hexadecimal loses or gets a bit. Changes of bytes alone end in bad syntax nearly always, so that nothing
// behind the parser would be seen; every fourth change is of bytes all the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using Json = nlohmann::ordered_json;

constexpr int deepest = 40;  // deeper ones are left to changes of bytes: what follows is recursive

// Where a document stands in the input.
struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

// The end of the object that begins at begin, or npos when it has none.
std::size_t end_of_object(std::string_view text, std::size_t begin) {
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = begin; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{') {
            ++depth;
        } else if (c == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return std::string_view::npos;
}

// Objects that are in no other one.
std::vector<Span> documents_in(std::string_view text) {
    std::vector<Span> documents;
    for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at)) {
        const std::size_t end = end_of_object(text, at);
        if (end == std::string_view::npos) break;
        documents.push_back({at, end});
        at = end;
    }
    return documents;
}

Json parsed(std::string_view text) {
    bool is_too_deep = false;
    const auto is_shallow = [&](int depth, Json::parse_event_t, Json&) {
        is_too_deep = is_too_deep || depth > deepest;
        return !is_too_deep;
    };
    Json document = Json::parse(text, is_shallow, false);
    return is_too_deep ? Json(Json::value_t::discarded) : document;
}

class Mutation {
public:
    Mutation(Json& document, const Json& donor, std::uint32_t seed) : document_(document), random_(seed) {
        collect(donor, donors_);
    }

    void run() {
        const std::size_t changes = 1 + below(3);
        for (std::size_t i = 0; i < changes; ++i) change();
    }

private:
    std::size_t below(std::size_t end) { return random_() % end; }

    template <typename Value>
    static void collect(Value& value, std::vector<Value*>& all) {
        all.push_back(&value);
        if (!value.is_structured()) return;
        for (auto& child : value) collect(child, all);
    }

    void change() {
        std::vector<Json*> values;
        collect(document_, values);
        Json& value = *values[below(values.size())];
        if (value.is_structured() && !value.empty()) {
            change_container(value);
        } else {
            change_scalar(value);
        }
    }

    void change_container(Json& value) {
        switch (below(6)) {
            case 0: value = any_donor(); break;
            case 1: value.erase(nth(value)); break;
            case 2: *nth(value) = any_donor(); break;
            case 3: value.clear(); break;
            default:
                if (value.is_array()) {
                    change_array(value);
                } else {
                    value[any_name()] = any_donor();
                }
        }
    }

    void change_array(Json& value) {
        const Json one = *nth(value);
        const auto place = value.begin() + static_cast<std::ptrdiff_t>(below(value.size() + 1));
        if (below(2) == 0) {
            value.insert(place, one);
        } else {
            std::swap(*nth(value), *nth(value));
        }
    }

    void change_scalar(Json& value) {
        if (value.is_string() && below(4) != 0) {
            change_text(value.get_ref<std::string&>());
        } else if (value.is_number_integer() && below(3) != 0) {
            value = value.get<std::uint64_t>() + (below(2) == 0 ? std::uint64_t{1} : ~std::uint64_t{0});
        } else {
            value = below(3) == 0 ? odd_value() : any_donor();
        }
    }

    // Of "0x…" a digit, so that the number of digits stays; of other texts any bytes.
    void change_text(std::string& text) {
        if (text.starts_with("0x") && text.size() > 2 && below(6) != 0) {
            char& digit = text[2 + below(text.size() - 2)];
            digit = "0123456789abcdef"[below(2) == 0 ? below(16) : value_of(digit) ^ (std::size_t{1} << below(4))];
            return;
        }
        const std::size_t size = text.size();
        text.resize(size + 16);
        text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, text.size()));
    }

    static std::size_t value_of(char digit) {
        if (digit >= '0' && digit <= '9') return static_cast<std::size_t>(digit - '0');
        return digit >= 'a' && digit <= 'f' ? static_cast<std::size_t>(digit - 'a' + 10) : 0;
    }

    Json::iterator nth(Json& value) {
        return std::next(value.begin(), static_cast<std::ptrdiff_t>(below(value.size())));
    }

    const Json& any_donor() { return *donors_[below(donors_.size())]; }

    // The key of a member of the donor, or "".
    std::string any_name() {
        const Json& owner = any_donor();
        if (!owner.is_object() || owner.empty()) return "";
        return std::next(owner.begin(), static_cast<std::ptrdiff_t>(below(owner.size()))).key();
    }

    Json odd_value() {
        const std::vector<Json> values{
            nullptr, true, 0, -1, 1e300, "", "0x0", "0xffffffff", "0x0-0xffffffff", Json::array(), Json::object()};
        return values[below(values.size())];
    }

    Json& document_;
    std::vector<const Json*> donors_;
    std::minstd_rand random_;
};

// The input with one of its documents changed; empty when it has none that can be.
std::string mutated(std::string_view input, std::uint32_t seed) {
    const std::vector<Span> documents = documents_in(input);
    if (documents.empty()) return "";
    const Span at = documents[seed % documents.size()];
    const Span from = documents[seed / 7 % documents.size()];
    Json document = parsed(input.substr(at.begin, at.end - at.begin));
    const Json donor = parsed(input.substr(from.begin, from.end - from.begin));
    if (document.is_discarded() || donor.is_discarded()) return "";
    Mutation(document, donor, seed).run();
    return std::string(input.substr(0, at.begin)) + document.dump(-1, ' ', false, Json::error_handler_t::replace) +
           std::string(input.substr(at.end));
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
    if (seed % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
    const std::string result = mutated({reinterpret_cast<const char*>(data), size}, seed / 4);
    if (result.empty() || result.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
    std::memcpy(data, result.data(), result.size());
    return result.size();
}
