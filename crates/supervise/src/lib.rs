//! OTP-style supervision for actix actors
