//! One suite of cases, run on every database that stands behind the trait.

mod assigning;
mod cancelling;
mod catalogue;
mod claiming;
mod completing;
mod environments;
mod moves;
mod opening;
mod reading;
mod reaping;
mod retaining;
mod roles;
mod secrets;
mod stage;
mod submitting;
mod tls;
mod waking;
mod workers;

macro_rules! on_one_database {
    ($database:ident: $($module:ident :: $case:ident,)+) => {
        mod $database {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let stage = crate::stage::Stage::$database().await;
                    crate::$module::$case(&stage).await;
                    stage.close().await;
                }
            )+
        }
    };
}

macro_rules! on_every_database {
    ($($cases:tt)+) => {
        on_one_database!(sqlite_memory: $($cases)+);
        on_one_database!(sqlite_file: $($cases)+);
        on_one_database!(postgres: $($cases)+);
    };
}

on_every_database! {
    submitting::what_is_submitted_reads_back,
    submitting::a_used_idempotency_key_answers_with_the_first_execution,
    submitting::secret_parameters_are_masked_for_everybody_but_the_worker,
    submitting::awkward_text_survives,
    submitting::a_retry_is_a_new_execution_that_names_the_old_one,
    submitting::an_unknown_outcome_is_repeated_only_when_it_may_run_twice,
    claiming::a_claim_starts_what_is_assigned_and_nothing_twice,
    claiming::a_claim_holds_the_executions_of_the_actions_that_are_named,
    claiming::of_many_concurrent_claims_one_is_granted,
    claiming::a_batch_answers_in_order_and_one_bad_claim_spoils_none,
    claiming::a_held_claim_starts_only_with_its_token,
    claiming::a_claim_whose_answer_got_lost_is_answered_again_and_only_to_its_token,
    claiming::what_was_cancelled_before_its_claim_was_heard_ends_without_having_run,
    claiming::a_start_that_was_not_made_use_of_is_given_back_on_its_workers_word,
    claiming::what_is_handed_back_waits_again_and_is_not_counted,
    claiming::what_nobody_can_start_fails_as_undeliverable,
    claiming::a_hand_back_with_an_outcome_fails_or_is_retried,
    completing::a_completion_stores_everything_at_once,
    completing::evidence_is_kept_whichever_way_an_attempt_ends,
    completing::of_fifty_concurrent_completions_one_is_accepted,
    completing::a_wrong_token_or_attempt_is_refused_and_leaves_no_trace,
    completing::a_batch_of_every_kind_answers_in_order,
    completing::a_retry_policy_is_followed_until_its_attempts_are_used_up,
    completing::a_late_word_is_kept_aside_and_changes_nothing,
    completing::an_answer_that_got_lost_is_offered_again_and_refused_without_a_late_word,
    assigning::an_assignment_answers_with_its_message,
    assigning::only_the_living_active_worker_gets_work_and_never_too_much,
    assigning::ten_schedulers_never_assign_twice_nor_overfill_a_worker,
    assigning::the_view_shows_what_waits_oldest_first_and_who_is_there,
    assigning::what_is_taken_back_is_the_newest_unclaimed_and_waits_again,
    assigning::the_outbox_gives_each_message_to_one_relay,
    cancelling::what_has_not_started_is_cancelled_at_once,
    cancelling::what_runs_is_asked_to_stop_and_its_worker_is_told_twice,
    cancelling::a_success_that_wins_the_race_stays_a_success,
    cancelling::what_waits_for_a_retry_can_be_cancelled,
    cancelling::cancel_claim_and_complete_race_to_one_end,
    reaping::a_lease_that_ran_out_abandons_or_retries,
    reaping::beats_keep_what_is_held_and_only_that,
    reaping::a_gap_in_the_ticks_spares_every_lease_for_one_lease_time,
    reaping::a_clock_set_back_loses_nothing,
    reaping::a_clock_set_back_holds_nothing_up,
    reaping::what_is_given_back_after_the_clock_was_set_back_is_placed_again,
    reaping::what_nobody_claims_in_time_waits_again,
    reaping::a_held_claim_whose_lease_ran_out_waits_again,
    reaping::what_no_worker_survives_preparing_fails_after_three,
    reaping::a_silent_worker_is_unreachable_until_it_beats,
    reaping::two_reapers_and_a_completion_race_to_one_end,
    workers::a_name_keeps_its_id_and_the_newest_registration_owns_it,
    workers::who_registers_too_much_is_refused,
    workers::evidence_settles_what_an_earlier_life_left,
    workers::without_evidence_what_runs_is_left_to_its_lease,
    workers::a_beat_tells_what_the_worker_must_know,
    workers::a_worker_that_can_take_no_work_gets_none_until_it_can,
    workers::who_leaves_gives_back_what_it_has_not_claimed,
    workers::beats_and_completions_do_not_wait_for_each_other,
    moves::executions_move_exactly_as_the_table_says,
    moves::attempts_move_exactly_as_the_table_says,
    moves::an_execution_never_has_two_live_attempts,
    moves::what_has_ended_never_changes,
    moves::history_is_written_by_the_database_and_only_grows,
    reading::pages_hold_every_execution_once_newest_first,
    reading::filters_choose_by_status_action_and_pack,
    reading::events_can_be_followed_without_a_gap,
    reading::log_pieces_are_kept_once_and_read_in_order,
    reading::output_of_an_attempt_that_nobody_knows_is_left_out_and_the_rest_is_kept,
    environments::what_a_worker_tells_of_an_environment_takes_the_place_of_what_it_told_before,
    retaining::artifacts_are_noted_once_and_listed_by_name,
    retaining::what_is_old_goes_step_by_step_and_what_lives_stays,
    catalogue::a_pack_is_replaced_as_a_whole_and_removed_as_a_whole,
    catalogue::a_found_runtime_never_displaces_a_declared_one,
    secrets::a_secret_is_stored_replaced_in_order_and_forgotten,
    secrets::secret_parameters_are_ciphertexts_and_stay_so_in_a_repetition,
    secrets::parameters_that_were_swapped_between_executions_do_not_open,
    secrets::secret_outputs_are_kept_as_ciphertexts_of_the_try_that_counts,
    secrets::a_second_try_has_a_key_of_its_own_for_its_outputs,
    secrets::what_is_sealed_comes_with_the_claim_and_goes_with_the_end,
    secrets::what_was_sealed_for_another_attempt_is_not_assigned,
    secrets::an_execution_needs_what_its_action_lists_from_owners_that_serve_it,
    secrets::a_rotation_replaces_only_what_it_read,
    secrets::what_cannot_be_had_ends_what_waits_and_nothing_else,
    waking::commits_wake_whoever_waits_in_this_process,
    waking::commits_of_other_processes_wake_too_where_the_database_can,
    opening::migrating_again_does_nothing,
}
