/* SPDX-License-Identifier: MIT */
/* mathf_constants.h - printed by tests/support/make_mathf.c; do not edit. */
/* clang-format off */
#ifndef EG_KERNELS_MATHF_CONSTANTS_H
#define EG_KERNELS_MATHF_CONSTANTS_H

/* ln 2, pi / 2: each part rounds what the parts before leave. */
#define EG_LN2_HI 0x1.62e42fefa39efp-1
#define EG_LN2_MID 0x1.abc9e3b39803fp-56
#define EG_LN2_LO 0x1.7b57a079a1934p-111
#define EG_LOG2_E 0x1.71547652b82fep+0
#define EG_HALF_PI_HI 0x1.921fb54442d18p+0
#define EG_HALF_PI_MID 0x1.1a62633145c07p-54
#define EG_HALF_PI_LO -0x1.f1976b7ed8fbcp-110
#define EG_TWO_OVER_PI 0x1.45f306dc9c883p-1

/* (e^r - 1 - r) / r^2 on |r| <= 0.3466; error 2^-61.5. */
static const double eg_exp_coeffs[11] = {
    0x1p-1,
    0x1.5555555555557p-3,
    0x1.5555555555556p-5,
    0x1.11111111100d8p-7,
    0x1.6c16c16c16455p-10,
    0x1.a01a01abea1c4p-13,
    0x1.a01a01a638acap-16,
    0x1.71de022adf265p-19,
    0x1.27e4dd0f6e8aap-22,
    0x1.af4df7749ddbfp-26,
    0x1.1f6fee80e376ap-29,
};

/* (2 atanh(s) - 2 s) / s^3 in z = s^2 <= 0.02945; error 2^-59.7. */
static const double eg_log_coeffs[8] = {
    0x1.5555555555555p-1,
    0x1.9999999999a38p-2,
    0x1.2492492476ba1p-2,
    0x1.c71c72017a15cp-3,
    0x1.745cf8f6c9119p-3,
    0x1.3b1c38474d3eep-3,
    0x1.0fbe478772696p-3,
    0x1.0c06cf14c641bp-3,
};

/* (sin(r) - r) / r^3 in z = r^2 <= 0.6169; error 2^-57.3. */
static const double eg_sin_coeffs[7] = {
    -0x1.5555555555555p-3,
    0x1.111111111111p-7,
    -0x1.a01a01a019937p-13,
    0x1.71de3a54607fap-19,
    -0x1.ae6454129f078p-26,
    0x1.61217eed1c04ap-33,
    -0x1.ab17c21adf462p-41,
};

/* (cos(r) - 1 + r^2 / 2) / r^4 in z = r^2 <= 0.6169; error 2^-60.0. */
static const double eg_cos_coeffs[7] = {
    0x1.5555555555555p-5,
    -0x1.6c16c16c16c16p-10,
    0x1.a01a01a019d0ap-16,
    -0x1.27e4fb7712cc8p-22,
    0x1.1eed8deb869afp-29,
    -0x1.9394b9f1ce104p-37,
    0x1.ab784b1122af7p-45,
};

#endif
