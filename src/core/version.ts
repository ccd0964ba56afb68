/** @file The version of this library, as files note it; a test compares it with `package.json`. */

export const version = '0.1.0';
