// A writer of HTML in which no text can become markup: what is written is elements, attributes and text,
// and text and attribute values are escaped here, in one place.
//
// Why not a library. pugixml, which reads libvirt's XML for us, writes XML: it would escape what stands
// in <style> and <script>, where HTML takes every character literally, and would write empty elements
// and void ones alike, which HTML does not. A template library (Debian has ctemplate) brings a second
// language for a page that is mostly tables. What is needed is this much.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace poolcpuid::report {

// The name of an element: a literal of the program, so never something from a document.
class Tag {
public:
    consteval Tag(const char* name) : name_(name) {
        for (const char c : name_) {
            if (!((c >= 'a' && c <= 'z') || (c >= '1' && c <= '6'))) throw "not the name of an element";
        }
    }
    constexpr std::string_view name() const noexcept { return name_; }

private:
    std::string_view name_;
};

// The name of an attribute, likewise. The page's Content-Security-Policy forbids handlers and styles in
// attributes, and it loads nothing, so their names do not compile.
class AttributeName {
public:
    consteval AttributeName(const char* name) : name_(name) {
        if (name_.starts_with("on") || name_.starts_with("src") || name_ == "style") throw "not for this page";
    }
    constexpr std::string_view name() const noexcept { return name_; }

private:
    std::string_view name_;
};

struct Attribute {
    AttributeName name;
    std::string_view value;
};

using Attributes = std::initializer_list<Attribute>;

class Html {
public:
    // An open element; its end tag is written when this goes out of scope.
    class Element {
    public:
        Element(const Element&) = delete;
        Element& operator=(const Element&) = delete;
        ~Element() { out_ += end_; }

    private:
        friend class Html;
        Element(std::string& out, Tag tag);
        std::string& out_;
        std::string end_;
    };

    Html();

    // Opens an element.
    [[nodiscard]] Element open(Tag tag, Attributes attributes = {});

    // A whole element that holds text, or nothing.
    void element(Tag tag, std::string_view text);
    void element(Tag tag, Attributes attributes, std::string_view text);

    // An element that HTML never closes: meta, input.
    void void_element(Tag tag, Attributes attributes);

    // Text within the element that is open. Control and formatting characters are shown as \u{…}, bytes
    // that are not UTF-8 as \xNN (text/printable.hpp).
    void text(std::string_view text);

    // The page's own style or script, from the program and not from a document: not escaped, since HTML
    // takes it literally. Throws std::logic_error when it holds what would end the element early.
    void inline_style(std::string_view css);
    void inline_script(std::string_view javascript);

    // The page: "<!DOCTYPE html>" and what was written. Every element must be closed.
    std::string take() { return std::move(out_); }

private:
    void start(Tag tag, Attributes attributes);
    void literal(Tag tag, std::string_view content);

    std::string out_;
};

// text as HTML that shows exactly it, in an element or in a quoted attribute.
std::string escaped(std::string_view text);

// The page's style and script: report.css and report.js, which the build makes into strings.

extern const std::string_view page_style;
extern const std::string_view page_script;

}  // namespace poolcpuid::report
