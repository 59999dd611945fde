"""Which tests a browser does not see, and why. All others run in each: in Chromium, in Firefox and in WebKit."""

BY_ITS_DRIVER = "is tried by WebKit's own driver, in test_webkit.py"

WEBKIT: dict[str, tuple[str, ...]] = {
    "has no fingers: the inspector cannot make it a phone": (
        "test_a_modifier_with_enter_sends_where_enter_alone_makes_a_line",
        "test_bubble_on_a_phone_covers_the_page_and_is_closed_by_its_bar",
        "test_enter_breaks_the_line_on_a_touch_keyboard",
        "test_guest_of_an_embed_changes_its_name_there_by_touch",
        "test_one_can_write_at_once_where_there_is_a_keyboard",
        "test_removal_by_touch_where_it_is_narrow_in_both_directions",
        "test_time_of_a_message_is_never_on_its_words",
        "test_toolbar_is_called_and_used_by_touch",
        "test_touch_meets_words_and_times_where_they_are_seen",
    ),
    "cannot be cut from the network by the inspector; the server's end and what stands in between are tried": (
        "test_message_posted_while_the_other_window_was_offline_appears_after",
        "test_translated_page_edits_what_was_written",
        "test_what_comes_in_is_said_once_and_many_by_their_number",
    ),
    "shows the inspector no page that may run no scripts: " + BY_ITS_DRIVER: (
        "test_chat_without_javascript",
        "test_embed_without_scripts_keeps_its_guest_by_a_cookie_of_this_page",
        "test_link_works_without_javascript_in_both_directions",
        "test_page_without_a_script_names_the_command",
        "test_page_without_javascript_opens_at_the_newest_message",
        "test_refused_form_without_javascript_keeps_its_text",
    ),
    "has no profile to say what may be kept: " + BY_ITS_DRIVER: (
        "test_embeds_and_pages_that_may_keep_nothing_are_written_in",
        "test_third_party_cookies_are_blocked",
    ),
    "puts no page aside while the inspector looks at it: " + BY_ITS_DRIVER: (
        "test_page_around_comes_back_out_of_the_cache",
        "test_page_from_the_back_forward_cache_is_live_again",
    ),
    "does not tell the inspector of new tabs: " + BY_ITS_DRIVER: (
        "test_deleting_in_an_embed_is_confirmed_on_a_page_of_its_own",
        "test_moderator_whom_a_site_has_signed_in_removes_somebody_on_a_page_of_the_chat",
    ),
    "moves no focus by keys, and selects nothing, which are events that Playwright makes in the page": (
        "test_bubble_counts_what_is_unread_and_gives_the_focus_back",
        "test_conversation_is_copied_in_lines_that_can_be_read",
        "test_everything_is_reached_with_the_keyboard",
        "test_field_is_few_keys_away_and_messages_are_one_stop",
        "test_new_name_from_the_composer_is_everywhere_at_once",
        "test_removal_by_keyboard_with_a_dialog_that_holds_the_focus",
        "test_share_copies_the_link_and_shows_a_code",
        "test_toolbar_comes_after_its_message_for_the_keyboard",
        "test_up_arrow_changes_the_last_message_and_what_is_not_saved_is_kept",
    ),
    "fetches nothing ahead where the inspector answers requests": (
        "test_cdn_delivers_and_integrity_is_checked",
        "test_late_cdn_is_overtaken_and_not_asked_again",
        "test_late_cdn_that_is_sooner_than_ours_is_taken",
    ),
    "stands still when the inspector lets go of a request that the page has given up": (
        "test_all_that_is_under_way_ends_with_a_ban_by_a_command",
        "test_going_to_the_newest_messages_makes_the_page_live",
        "test_page_finds_its_way_back_to_a_stream",
        "test_removed_person_hears_it_by_polls_and_by_what_they_send",
    ),
    "has this version of WebKit not: `crossOriginIsolated`": ("test_host_that_is_isolated",),
    "speaks no German where the machine has no such locale": (
        "test_days_are_the_readers_also_where_clocks_change_and_a_page_stays_open",
        "test_nothing_moves_when_times_become_the_readers",
    ),
    "has no password for the inspector to give": ("test_embed_behind_a_password_writes_more_than_once",),
    "asks nobody before a page with unsent words is left, since nobody has touched it": (
        "test_what_is_not_to_be_sent_any_more_goes_back_to_where_it_was_written",
    ),
    "makes no paper": ("test_paper_has_all_messages_and_no_composer",),
}
"""By reason, the tests that WebKit does not see: what is true of it there."""

NOT_IN_WEBKIT = {test for tests in WEBKIT.values() for test in tests}
