//! CSV as the feed uses it: a header, times in ISO 8601 with a space, money with two decimals, lists joined by `|`.
//!
//! Owns the column types that occur in the feed. Other types are an error.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use std::io::Write;

use crate::calendar;

/// Appends the header line.
pub(crate) fn write_header(out: &mut Vec<u8>, schema: &Schema) {
    for (index, field) in schema.fields().iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(field.name().as_bytes());
    }
    out.push(b'\n');
}

/// Appends the rows of `batch`.
pub(crate) fn write_rows(out: &mut Vec<u8>, batch: &RecordBatch) -> Result<(), ArrowError> {
    for row in 0..batch.num_rows() {
        for (index, column) in batch.columns().iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            if column.is_valid(row) {
                write_value(out, column.as_ref(), row)?;
            }
        }
        out.push(b'\n');
    }
    Ok(())
}

fn write_value(out: &mut Vec<u8>, column: &dyn Array, row: usize) -> Result<(), ArrowError> {
    match column.data_type() {
        DataType::Utf8 => write_text(out, column.as_string::<i32>().value(row)),
        DataType::Int64 => write!(out, "{}", column.as_primitive::<Int64Type>().value(row))?,
        DataType::Decimal128(_, 2) => {
            let fen = column.as_primitive::<Decimal128Type>().value(row);
            let sign = if fen < 0 { "-" } else { "" };
            write!(out, "{sign}{}.{:02}", fen.unsigned_abs() / 100, fen.unsigned_abs() % 100)?;
        }
        DataType::Date32 => write_date(out, column.as_primitive::<Date32Type>().value(row))?,
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            let seconds = column.as_primitive::<TimestampMicrosecondType>().value(row).div_euclid(1_000_000);
            write_date(out, seconds.div_euclid(86_400) as i32)?;
            let second = seconds.rem_euclid(86_400);
            write!(out, " {:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)?;
        }
        DataType::List(_) => {
            let names = column.as_list::<i32>().value(row);
            let names: Vec<&str> = names.as_string::<i32>().iter().flatten().collect();
            write_text(out, &names.join("|"));
        }
        other => return Err(ArrowError::NotYetImplemented(format!("CSV of {other}"))),
    }
    Ok(())
}

fn write_date(out: &mut Vec<u8>, days: i32) -> std::io::Result<()> {
    let (year, month, day) = calendar::civil(days);
    write!(out, "{year:04}-{month:02}-{day:02}")
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    if text.contains([',', '"', '\n', '\r']) {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}
