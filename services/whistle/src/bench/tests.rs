mod lag;
mod running;

use std::time::Duration;

use clap::Parser;

use super::args::{Args, check};
use super::machine::cpu_model;
use super::stats::{Latencies, Result as Figures, Round};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn args(line: &str) -> Result<Args, String> {
    let words = std::iter::once("bench").chain(line.split_whitespace());
    Line::try_parse_from(words).map(|line| line.args).map_err(|error| error.to_string())
}

fn refused(line: &str) -> String {
    match args(line) {
        Ok(args) => check(&args).unwrap_err().details.join("\n"),
        Err(text) => text,
    }
}

fn round(ops_per_s: f64, p99_us: u64) -> Round {
    Round { ops_per_s, p50_us: p99_us / 2, p99_us, folds_caught_up_ms: 10, ops: 100 }
}

#[test]
fn the_usual_figures_need_no_argument() {
    let args = args("raise").unwrap();
    assert_eq!((args.clients, args.seconds, args.rounds, args.json), (64, 10, 3, false));
    assert!(check(&args).is_ok());
}

#[test]
fn arguments_that_would_be_passed_over_are_refused() {
    assert!(refused("replay --connect 127.0.0.1:1").contains("--data"));
    assert!(refused("replay --acks a").contains("--acks"));
    assert!(refused("replay --commands 9").contains("--commands"));
    assert!(refused("raise --data d").contains("--data"));
    assert!(refused("replay --topology split").contains("--topology split"));
    assert!(refused("lag --acks a").contains("--acks"));
    assert!(refused("raise --rate 5").contains("--rate"));
    assert!(check(&args("lag --rate 5 --topology split").unwrap()).is_ok());
    assert!(check(&args("replay --data d --events 5000").unwrap()).is_ok());
}

#[test]
fn arguments_out_of_bounds_are_refused() {
    for line in [
        "raise --clients 0",
        "raise --clients 1001",
        "raise --seconds 0",
        "raise --rounds 0",
        "raise --commands 0",
        "raise --commands 9 --seconds 1",
        "lag --rate 0",
        "sing",
    ] {
        assert!(args(line).is_err(), "{line}");
    }
}

#[test]
fn medians_are_of_the_rounds_and_the_ratio_is_of_each_round() {
    let rounds = [
        (round(100.0, 9), round(400.0, 3)),
        (round(300.0, 7), round(600.0, 5)),
        (round(200.0, 8), round(250.0, 4)),
    ];
    let figures = Figures::of("raise", &rounds, 0);
    assert_eq!((figures.ops_per_s, figures.reference_ops_per_s), (200.0, 400.0));
    assert_eq!((figures.p99_us, figures.reference_p99_us), (8, 4));
    assert_eq!(figures.ratio, 0.5, "the middle of 0.25, 0.5 and 0.8");
    assert_eq!((figures.ops, figures.rounds), (300, 3));
}

#[test]
fn an_even_number_of_rounds_has_its_median_between_the_two() {
    let figures =
        Figures::of("raise", &[(round(100.0, 1), round(100.0, 1)), (round(200.0, 3), round(100.0, 1))], 0);
    assert_eq!((figures.ops_per_s, figures.p99_us, figures.ratio), (150.0, 2, 1.5));
}

#[test]
fn no_rounds_and_a_dead_reference_give_no_infinity() {
    assert_eq!(Figures::of("raise", &[], 1), Figures { bench: "raise", errors: 1, ..Figures::default() });
    assert_eq!(Figures::of("raise", &[(round(100.0, 1), round(0.0, 0))], 0).ratio, 0.0);
}

#[test]
fn catching_up_counts_in_the_rate() {
    let mut latencies = Latencies::new().unwrap();
    for micros in 1..=100 {
        latencies.record(Duration::from_micros(micros));
    }
    let at_once = Round::of(&latencies, Duration::from_secs(1), Duration::ZERO);
    let behind = Round::of(&latencies, Duration::from_secs(1), Duration::from_secs(1));
    assert_eq!((at_once.ops_per_s, behind.ops_per_s, behind.folds_caught_up_ms), (100.0, 50.0, 1000));
    assert_eq!((at_once.p50_us, at_once.p99_us, at_once.ops), (50, 99, 100));
}

#[test]
fn latencies_of_clients_add_up_and_none_is_beyond_the_scale() {
    let (mut one, mut other) = (Latencies::new().unwrap(), Latencies::new().unwrap());
    one.record(Duration::from_micros(10));
    other.record(Duration::from_secs(86_400));
    other.record(Duration::ZERO);
    one.add(&other);
    assert_eq!(one.count(), 3);
}

#[test]
fn the_processor_is_named_as_its_kernel_names_it() {
    let text = "processor\t: 0\nmodel name\t: Sample CPU @ 2.00GHz\nmodel name\t: other\n";
    assert_eq!(cpu_model(text), "Sample CPU @ 2.00GHz");
    assert_eq!(cpu_model(""), "");
}
