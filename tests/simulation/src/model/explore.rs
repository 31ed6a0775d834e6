//! Breadth first, and whether everything can still come to rest.

use std::collections::{HashMap, VecDeque};

use super::moves::Move;
use super::small::{Faults, Kind, Small};

/// What was found.
#[derive(Debug, Default)]
pub struct Explored {
    /// How many states there are.
    pub states: usize,
    /// How many steps lead from one to another.
    pub steps: usize,
    /// In how many everything has come to rest.
    pub at_rest: usize,
    /// The shortest ways to what must never happen, each with what happened; at most one for every name.
    pub violations: Vec<(String, Vec<Move>)>,
    /// A state from which nothing leads to rest, if there is one, and the way to it.
    pub stuck: Option<(String, Vec<Move>)>,
}

/// Follows everything that can happen to the end, or until there are more than `most` states.
#[must_use]
pub fn explore(kind: Kind, faults: Faults, most: usize) -> Explored {
    let first = Small::new(kind, faults);
    let mut places: HashMap<u64, u32> = HashMap::from([(first.number(), 0)]);
    // Of every state: how it was come by. What it is, is needed only until it was looked at.
    let mut came_by: Vec<Option<(u32, Move)>> = vec![None];
    let mut leads_to_rest: Vec<bool> = vec![first.is_at_rest()];
    let mut comes_from: Vec<Vec<u32>> = vec![Vec::new()];
    let mut line = VecDeque::from([(0_u32, first)]);
    let mut found = Explored::default();
    while let Some((place, state)) = line.pop_front() {
        for one in state.moves() {
            found.steps += 1;
            let next = state.after(one, kind);
            if let Some((name, _, case)) = next.violations.all().next() {
                let text = format!("{name}: {case}");
                if !found.violations.iter().any(|(known, _)| known.split(':').next() == Some(name)) {
                    let mut way = way(&came_by, place);
                    way.push(one);
                    found.violations.push((text, way));
                }
                continue;
            }
            let known = places.get(&next.number()).copied();
            let target = known.unwrap_or_else(|| {
                let target = came_by.len() as u32;
                places.insert(next.number(), target);
                came_by.push(Some((place, one)));
                leads_to_rest.push(next.is_at_rest());
                comes_from.push(Vec::new());
                line.push_back((target, next));
                target
            });
            comes_from[target as usize].push(place);
        }
        if came_by.len() > most {
            break;
        }
    }
    found.states = came_by.len();
    found.at_rest = leads_to_rest.iter().filter(|rests| **rests).count();
    if line.is_empty() {
        let mut open: Vec<u32> = (0..came_by.len() as u32).filter(|place| leads_to_rest[*place as usize]).collect();
        while let Some(place) = open.pop() {
            for before in std::mem::take(&mut comes_from[place as usize]) {
                if !std::mem::replace(&mut leads_to_rest[before as usize], true) {
                    open.push(before);
                }
            }
        }
        let stuck = leads_to_rest.iter().position(|leads| !leads);
        found.stuck = stuck.map(|place| ("nothing leads to rest any more".to_owned(), way(&came_by, place as u32)));
    } else {
        found.stuck = Some((format!("more than {most} states"), Vec::new()));
    }
    found
}

fn way(came_by: &[Option<(u32, Move)>], mut place: u32) -> Vec<Move> {
    let mut way = Vec::new();
    while let Some((before, one)) = came_by[place as usize] {
        way.push(one);
        place = before;
    }
    way.reverse();
    way
}
