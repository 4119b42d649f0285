/*
 * Multiboot entry of the CPUID guest, and the one instruction it exists for.
 *
 * The C code runs in 32-bit protected mode, or, where the CPU has long mode, in a 32-bit segment of long mode:
 * CPUID itself is then executed from a 64-bit segment, because SYSCALL (80000001h EDX[11]) reads 0 outside
 * 64-bit mode on Intel (SDM vol. 2A, CPUID).
 * Multiboot hands over its magic number in EAX and an information record, with the command line, in EBX
 * (Multiboot Specification 0.6.96, 3.2 and 3.3).
 */
    .set MULTIBOOT_MAGIC, 0x1badb002
    .set CODE32, 0x08
    .set DATA32, 0x10
    .set CODE64, 0x18

    .section .multiboot, "a"
    .balign 4
    .long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

    .text
    .code32
    .globl _start
_start:
    mov $stack_top, %esp
    mov %eax, %ebp                  /* the boot loader's magic number; CPUID leaves EBP and ESI alone */
    mov %ebx, %esi                  /* its multiboot information */
    mov $0x80000000, %eax
    cpuid
    cmp $0x80000001, %eax
    jb run                          /* below: no extended range, or one that ends at its first leaf */
    mov $0x80000001, %eax
    cpuid
    bt $29, %edx                    /* LM */
    jnc run

    /* Page tables that map the first 2 MiB to themselves: the whole guest is there. */
    movl $page_directory_pointers + 3, page_map_level_4
    movl $page_directory + 3, page_directory_pointers
    movl $0x83, page_directory      /* present, writable, 2 MiB page */

    mov %cr4, %eax
    or $0x20, %eax                  /* PAE */
    mov %eax, %cr4
    mov $page_map_level_4, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx           /* EFER */
    rdmsr
    or $0x100, %eax                 /* LME */
    wrmsr
    mov %cr0, %eax
    or $0x80000000, %eax            /* PG */
    mov %eax, %cr0
    lgdt gdt_pointer
    ljmp $CODE32, $1f
1:  mov $DATA32, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    movb $1, long_mode
run:
    push %esi
    push %ebp
    call guest
    mov $0x10, %al                  /* QEMU then exits with 2 * 10h + 1 = 33 */
    out %al, $0xf4
2:  hlt
    jmp 2b

/* void execute_cpuid(uint32_t leaf, uint32_t subleaf, struct registers* result) */
    .globl execute_cpuid
execute_cpuid:
    push %ebx
    push %esi
    push %edi
    mov 16(%esp), %eax
    mov 20(%esp), %ecx
    mov 24(%esp), %edi
    mov $back_to_32_bits, %esi
    cmpb $0, long_mode
    jne 1f
    cpuid
    jmp 3f
1:  ljmp $CODE64, $2f
    .code64
2:  cpuid
    ljmpl *(%esi)
    .code32
3:  mov %eax, (%edi)
    mov %ebx, 4(%edi)
    mov %ecx, 8(%edi)
    mov %edx, 12(%edi)
    pop %edi
    pop %esi
    pop %ebx
    ret

    .section .rodata
    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff        /* CODE32: flat 4 GiB, 32-bit code */
    .quad 0x00cf93000000ffff        /* DATA32: flat 4 GiB, data */
    .quad 0x00af9b000000ffff        /* CODE64: 64-bit code */
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt
back_to_32_bits:
    .long 3b
    .word CODE32

    .bss
    .balign 4096
page_map_level_4:
    .skip 4096
page_directory_pointers:
    .skip 4096
page_directory:
    .skip 4096
    .skip 4096
stack_top:
long_mode:
    .skip 1

    .section .note.GNU-stack, "", @progbits
