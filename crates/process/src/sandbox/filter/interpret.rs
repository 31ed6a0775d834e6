//! Runs a seccomp program as the kernel would, for the tests.

use libc::sock_filter;

use crate::sandbox::filter::assemble::{JUMP, JUMP_IF_AT_LEAST, JUMP_IF_BITS, JUMP_IF_EQUAL, LOAD, RETURN};

/// One system call, as the kernel shows it to a program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) number: u32,
    pub(super) architecture: u32,
    pub(super) arguments: [u64; 6],
}

impl Call {
    fn word(&self, offset: u32) -> u32 {
        match offset {
            0 => self.number,
            4 => self.architecture,
            _ => {
                let (argument, upper) = ((offset - 16) / 8, (offset - 16) % 8 == 4);
                let value = self.arguments[argument as usize];
                u32::try_from(if upper { value >> 32 } else { value & 0xffff_ffff }).expect("half of a word")
            }
        }
    }
}

/// What the program returns for the call, and after how many instructions.
pub(super) fn interpret(program: &[sock_filter], call: &Call) -> (u32, usize) {
    let (mut accumulator, mut at, mut steps) = (0, 0, 0);
    loop {
        let sock_filter { code, jt, jf, k } = program[at];
        at += 1;
        steps += 1;
        let branch = |is_taken: bool| usize::from(if is_taken { jt } else { jf });
        match code {
            LOAD => accumulator = call.word(k),
            JUMP_IF_EQUAL => at += branch(accumulator == k),
            JUMP_IF_AT_LEAST => at += branch(accumulator >= k),
            JUMP_IF_BITS => at += branch(accumulator & k != 0),
            JUMP => at += k as usize,
            RETURN => return (k, steps),
            other => panic!("instruction {other:#x} is not used here"),
        }
    }
}
