// What the CPUID guest does: it prints what CPUID returns, once. With `repeat` as the last word of its command line it
// stays, and prints all of it again for each byte that comes in at the first serial port, with a line after each dump
// that counts them. The count is kept in the guest's memory: after a migration it goes on where it was.

#include "guest.h"

#include <stdint.h>

// The start of the Multiboot information record. Bit 2 of flags says that there is a command line.
struct multiboot_information {
    uint32_t flags, mem_lower, mem_upper, boot_device, command_line;
};

static int ends_with(const char* text, const char* word) {
    const char *text_end = text, *word_end = word;
    while (*text_end) ++text_end;
    while (*word_end) ++word_end;
    if (text_end - text < word_end - word) return 0;
    while (word_end != word) {
        if (*--text_end != *--word_end) return 0;
    }
    return 1;
}

static int is_to_repeat(uint32_t magic, const struct multiboot_information* information) {
    enum { boot_loader_magic = 0x2badb002, has_command_line = 4 };
    return magic == boot_loader_magic && (information->flags & has_command_line) &&
           ends_with((const char*)(uintptr_t)information->command_line, " repeat");
}

static uint8_t in(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "d"(port));
    return value;
}

// A 16550 UART: bit 0 of the line status says that a byte is there. No interrupts: the guest has none.
static void wait_for_byte(void) {
    enum { received_byte = 0x3f8, line_status = 0x3fd };
    while (!(in(line_status)&1)) __asm__ volatile("pause");
    in(received_byte);
}

static void print_end(uint32_t number) {
    char digits[12];
    char* first = digits + sizeof digits;
    *--first = 0;
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    print("end of dump ");
    print(first);
    print("\n");
}

void guest(uint32_t magic, const struct multiboot_information* information) {  // called by boot.S
    print_cpuid();
    if (!is_to_repeat(magic, information)) return;
    for (uint32_t number = 1;; ++number) {
        print_end(number);
        wait_for_byte();
        print_cpuid();
    }
}
