#include "textflag.h"

// MD5 of eight messages. A vector has a word of each of them:
//
//	Y0 to Y3   a, b, c, d
//	Y4, Y5     what a step works with
//	Y6         all ones
//	(AX)       the sixteen words of the block
//	(BX)       sines
//
// A step is a = b + (a + f(b, c, d) + word + sine <<< turn); the next one goes on with d, a, b, c.

#define ADD(a, word, step) \
	VPBROADCASTD (4*(step))(BX), Y4       \
	VPADDD       (32*(word))(AX), Y4, Y4  \
	VPADDD       Y4, a, a

#define TURN(a, b, turn) \
	VPADDD Y5, a, a          \
	VPSLLD $turn, a, Y4      \
	VPSRLD $(32-turn), a, a  \
	VPOR   Y4, a, a          \
	VPADDD b, a, a

// f is d ^ (b & (c ^ d)).
#define STEP1(a, b, c, d, word, step, turn) \
	ADD(a, word, step) \
	VPXOR c, d, Y5     \
	VPAND b, Y5, Y5    \
	VPXOR d, Y5, Y5    \
	TURN(a, b, turn)

// f is (b & d) | (c & ~d), of which no bit is in both.
#define STEP2(a, b, c, d, word, step, turn) \
	ADD(a, word, step) \
	VPANDN c, d, Y5    \
	VPADDD Y5, a, a    \
	VPAND  b, d, Y5    \
	TURN(a, b, turn)

// f is b ^ c ^ d.
#define STEP3(a, b, c, d, word, step, turn) \
	ADD(a, word, step) \
	VPXOR c, d, Y5     \
	VPXOR b, Y5, Y5    \
	TURN(a, b, turn)

// f is c ^ (b | ~d).
#define STEP4(a, b, c, d, word, step, turn) \
	ADD(a, word, step) \
	VPXOR Y6, d, Y5    \
	VPOR  b, Y5, Y5    \
	VPXOR c, Y5, Y5    \
	TURN(a, b, turn)

#define FOUR1(step, w0, w1, w2, w3) \
	STEP1(Y0, Y1, Y2, Y3, w0, step+0, 7)   \
	STEP1(Y3, Y0, Y1, Y2, w1, step+1, 12)  \
	STEP1(Y2, Y3, Y0, Y1, w2, step+2, 17)  \
	STEP1(Y1, Y2, Y3, Y0, w3, step+3, 22)

#define FOUR2(step, w0, w1, w2, w3) \
	STEP2(Y0, Y1, Y2, Y3, w0, step+0, 5)   \
	STEP2(Y3, Y0, Y1, Y2, w1, step+1, 9)   \
	STEP2(Y2, Y3, Y0, Y1, w2, step+2, 14)  \
	STEP2(Y1, Y2, Y3, Y0, w3, step+3, 20)

#define FOUR3(step, w0, w1, w2, w3) \
	STEP3(Y0, Y1, Y2, Y3, w0, step+0, 4)   \
	STEP3(Y3, Y0, Y1, Y2, w1, step+1, 11)  \
	STEP3(Y2, Y3, Y0, Y1, w2, step+2, 16)  \
	STEP3(Y1, Y2, Y3, Y0, w3, step+3, 23)

#define FOUR4(step, w0, w1, w2, w3) \
	STEP4(Y0, Y1, Y2, Y3, w0, step+0, 6)   \
	STEP4(Y3, Y0, Y1, Y2, w1, step+1, 10)  \
	STEP4(Y2, Y3, Y0, Y1, w2, step+2, 15)  \
	STEP4(Y1, Y2, Y3, Y0, w3, step+3, 21)

// WORDS takes four words of each message, which stand beside each other there, into (AX), where each word stands beside the same one of the other
// messages. A half of a vector is a matrix of four messages, to be transposed.
#define WORDS(first) \
	VMOVDQU     (4*(first))(SI)(CX*1), X7               \
	VMOVDQU     (4*(first))(DI)(CX*1), X8               \
	VMOVDQU     (4*(first))(R8)(CX*1), X9               \
	VMOVDQU     (4*(first))(R9)(CX*1), X10              \
	VINSERTI128 $1, (4*(first))(R10)(CX*1), Y7, Y7      \
	VINSERTI128 $1, (4*(first))(R11)(CX*1), Y8, Y8      \
	VINSERTI128 $1, (4*(first))(R12)(CX*1), Y9, Y9      \
	VINSERTI128 $1, (4*(first))(R13)(CX*1), Y10, Y10    \
	VPUNPCKLDQ  Y8, Y7, Y11                             \
	VPUNPCKHDQ  Y8, Y7, Y12                             \
	VPUNPCKLDQ  Y10, Y9, Y13                            \
	VPUNPCKHDQ  Y10, Y9, Y14                            \
	VPUNPCKLQDQ Y13, Y11, Y7                            \
	VPUNPCKHQDQ Y13, Y11, Y8                            \
	VPUNPCKLQDQ Y14, Y12, Y9                            \
	VPUNPCKHQDQ Y14, Y12, Y10                           \
	VMOVDQA     Y7, (32*(first)+0)(AX)                  \
	VMOVDQA     Y8, (32*(first)+32)(AX)                 \
	VMOVDQA     Y9, (32*(first)+64)(AX)                 \
	VMOVDQA     Y10, (32*(first)+96)(AX)

// func digest(s *state, sines *[64]uint32, from *[lanes]*byte, blocks int)
TEXT ·digest(SB), NOSPLIT, $544-32
	MOVQ     s+0(FP), DX
	VMOVDQU  0(DX), Y0
	VMOVDQU  32(DX), Y1
	VMOVDQU  64(DX), Y2
	VMOVDQU  96(DX), Y3
	VPCMPEQD Y6, Y6, Y6

	MOVQ from+16(FP), AX
	MOVQ 0(AX), SI
	MOVQ 8(AX), DI
	MOVQ 16(AX), R8
	MOVQ 24(AX), R9
	MOVQ 32(AX), R10
	MOVQ 40(AX), R11
	MOVQ 48(AX), R12
	MOVQ 56(AX), R13

	MOVQ sines+8(FP), BX
	LEAQ words-544(SP), AX // 512 bytes of them, aligned
	ADDQ $31, AX
	ANDQ $~31, AX
	XORQ CX, CX

block:
	WORDS(0)
	WORDS(4)
	WORDS(8)
	WORDS(12)

	FOUR1(0, 0, 1, 2, 3)
	FOUR1(4, 4, 5, 6, 7)
	FOUR1(8, 8, 9, 10, 11)
	FOUR1(12, 12, 13, 14, 15)

	FOUR2(16, 1, 6, 11, 0)
	FOUR2(20, 5, 10, 15, 4)
	FOUR2(24, 9, 14, 3, 8)
	FOUR2(28, 13, 2, 7, 12)

	FOUR3(32, 5, 8, 11, 14)
	FOUR3(36, 1, 4, 7, 10)
	FOUR3(40, 13, 0, 3, 6)
	FOUR3(44, 9, 12, 15, 2)

	FOUR4(48, 0, 7, 14, 5)
	FOUR4(52, 12, 3, 10, 1)
	FOUR4(56, 8, 15, 6, 13)
	FOUR4(60, 4, 11, 2, 9)

	VPADDD  0(DX), Y0, Y0
	VPADDD  32(DX), Y1, Y1
	VPADDD  64(DX), Y2, Y2
	VPADDD  96(DX), Y3, Y3
	VMOVDQU Y0, 0(DX)
	VMOVDQU Y1, 32(DX)
	VMOVDQU Y2, 64(DX)
	VMOVDQU Y3, 96(DX)

	ADDQ $64, CX
	DECQ blocks+24(FP)
	JNZ  block
	VZEROUPPER
	RET
