// The guest of a verification: it executes CPUID and RDMSR for a table of questions, each of which it replaces
// by the answer, and halts. Real mode, all segments at 0; it runs at whatever address it is copied to.
//
// In:  SI  address of the table, records of 16 bytes
//      CX  number of its first records that are for CPUID:  EAX, ECX       ->  EAX, EBX, ECX, EDX
//      DI  number of the records after them, for RDMSR:     ECX (index)    ->  EAX, EDX, faulted (0 or 1)
// Out: DI is 0 and SP is as it was. Any other exception than the #GP of RDMSR is to halt at poolcpuid_guest_stop, with
//      what it pushed left on the stack.

    .section .rodata
    .hidden poolcpuid_guest_code
    .hidden poolcpuid_guest_fault
    .hidden poolcpuid_guest_stop
    .hidden poolcpuid_guest_code_end
    .globl poolcpuid_guest_code
    .globl poolcpuid_guest_fault
    .globl poolcpuid_guest_stop
    .globl poolcpuid_guest_code_end
    .code16

poolcpuid_guest_code:
    jcxz    msrs
next_leaf:
    pushw   %cx
    movl    (%si), %eax
    movl    4(%si), %ecx
    cpuid
    movl    %eax, (%si)
    movl    %ebx, 4(%si)
    movl    %ecx, 8(%si)
    movl    %edx, 12(%si)
    addw    $16, %si
    popw    %cx
    loop    next_leaf

msrs:
    testw   %di, %di
    jz      done
    movl    (%si), %ecx
    xorl    %ebx, %ebx
    rdmsr
    movl    %eax, (%si)
    movl    %edx, 4(%si)
    movl    %ebx, 8(%si)
    addw    $16, %si
    decw    %di
    jmp     msrs

done:
poolcpuid_guest_stop:
    hlt

// The handler of #GP, which only RDMSR raises here: notes the fault and returns behind RDMSR, which is two bytes long.
poolcpuid_guest_fault:
    movw    $1, %bx
    movw    %sp, %bp
    addw    $2, (%bp)
    iretw
poolcpuid_guest_code_end:

    .section .note.GNU-stack, "", @progbits
