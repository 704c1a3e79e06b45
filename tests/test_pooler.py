"""Through PgBouncer in transaction mode: these tests run once more with a pooler in front of PostgreSQL."""

from tests.feedback.test_feed import (  # noqa: F401
    test_a_copy_kept_by_following_changes_ends_like_the_original,
    test_a_page_is_few_statements_however_long_it_is,
    test_every_filter_finds_what_it_names_and_nothing_else,
    test_followers_of_changes_see_each_change_with_a_higher_version,
    test_followers_of_first_recordings_miss_and_repeat_nothing_under_concurrent_writers,
    test_newest_first_paging_skips_and_repeats_nothing_while_others_write,
    test_search_folds_case_and_accents_and_takes_operators_as_words,
    two,
)
from tests.feedback.test_results import (  # noqa: F401
    test_by_each_segment_and_each_kind_of_property,
    test_change_is_told_apart_from_chance,
    test_daily_counts_equal_the_responses_after_any_history,
    test_recount_finds_and_mends_what_differs,
    test_response_rate_is_of_the_asks_old_enough_by_the_day_they_were_sent,
    test_since_is_inclusive_and_until_exclusive,
)
from tests.pooled import pooling, template  # noqa: F401
from tests.surveys.base.test_jobs import (  # noqa: F401
    handled,
    test_a_failure_is_tried_again_later_and_later_and_is_then_dead,
    test_a_job_is_written_with_its_cause_or_not_at_all,
    test_a_job_whose_worker_died_is_taken_again_after_its_lease,
    test_a_turn_that_lost_its_database_is_written_down_when_it_is_back,
    test_jobs_run_once_in_the_order_they_became_due,
    test_many_workers_share_the_jobs_and_run_each_once,
)
from tests.surveys.keeping.test_backup import (  # noqa: F401
    file,
    filled,
    test_a_backup_under_load_is_of_one_moment,
    test_a_restore_brings_back_everything,
    test_life_goes_on_after_a_restore,
)
from tests.surveys.keeping.test_erasure import (  # noqa: F401
    leave_traces,
    test_erasing_leaves_no_trace_of_a_person,
    test_everybody_who_goes_by_an_address_or_id_is_found,
)
from tests.surveys.test_responses import (  # noqa: F401
    test_a_burst_is_counted_exactly_also_among_those_stored_together,
    test_a_group_leaves_out_what_is_not_new_and_what_its_survey_no_longer_takes,
    test_a_second_id_amends_the_first_answer_to_an_invitation,
    test_a_second_id_from_many_threads_at_once_amends_one_row,
    test_after_the_edit_window_only_a_repeat_is_taken,
    test_deleting_an_answer_that_was_imported_again_tells_the_followers_twice,
    test_many_at_once_are_all_there_once_with_their_counts_and_jobs,
    test_many_devices_answer_one_invitation_at_once,
    test_opposite_amendments_at_once_leave_the_counts_right,
    test_three_revisions_in_all_six_orders_give_equal_rows,
    test_what_a_group_stores_is_what_one_by_itself_stores,
)
from tests.surveys.views.test_answers import (  # noqa: F401
    test_a_page_may_read_every_refusal,
    test_a_test_answer_is_kept_and_never_counts,
    test_clashes_are_409,
    test_the_first_recording_is_a_201_and_a_repeat_a_200_with_the_same_body,
)
from tests.surveys.views.test_triggers import (  # noqa: F401
    clock,
    fire,
    test_a_company_has_a_budget_over_all_its_people,
    test_a_decision_takes_few_statements_however_long_the_history,
    test_a_trigger_schedules_a_mail_and_freezes_what_it_says,
    test_concurrent_triggers_ask_each_person_at_most_once,
    test_each_rule_refuses_with_its_name_and_a_reason,
    test_one_clock_holds_over_all_surveys_and_over_both_names_of_a_person,
    test_only_an_idempotency_key_replays_the_first_answer,
    test_the_same_resolution_of_a_ticket_is_a_duplicate_and_a_later_one_is_not,
)
