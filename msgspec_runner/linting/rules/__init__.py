"""Every rule, in the order of its code: the explicit list. A rule is its file and a line here."""

from __future__ import annotations

from msgspec_runner.linting.rule import Rule
from msgspec_runner.linting.rules.compliance.no_opt_out import no_opt_out
from msgspec_runner.linting.rules.compliance.public_shortener import public_shortener
from msgspec_runner.linting.rules.compliance.quiet_hours import quiet_hours
from msgspec_runner.linting.rules.jinja.branch_never_rendered import branch_never_rendered
from msgspec_runner.linting.rules.jinja.constant_condition import constant_condition
from msgspec_runner.linting.rules.jinja.filter_type_mismatch import filter_type_mismatch
from msgspec_runner.linting.rules.jinja.missing_include import missing_include
from msgspec_runner.linting.rules.jinja.optional_without_default import optional_without_default
from msgspec_runner.linting.rules.jinja.sociocs_dynamic_field import sociocs_dynamic_field
from msgspec_runner.linting.rules.jinja.template_syntax import template_syntax
from msgspec_runner.linting.rules.jinja.undefined_variable import undefined_variable
from msgspec_runner.linting.rules.jinja.unknown_filter import unknown_filter
from msgspec_runner.linting.rules.jinja.unsafe_expression import unsafe_expression
from msgspec_runner.linting.rules.jinja.unused_name import unused_name
from msgspec_runner.linting.rules.message.contact_fields_without_save import contact_fields_without_save
from msgspec_runner.linting.rules.message.duplicate_spec_id import duplicate_spec_id
from msgspec_runner.linting.rules.message.invalid_phone_number import invalid_phone_number
from msgspec_runner.linting.rules.message.invalid_schedule import invalid_schedule
from msgspec_runner.linting.rules.message.invalid_url import invalid_url
from msgspec_runner.linting.rules.message.no_content import no_content
from msgspec_runner.linting.rules.message.several_media import several_media
from msgspec_runner.linting.rules.message.undefined_api_field import undefined_api_field
from msgspec_runner.linting.rules.message.unknown_provider import unknown_provider
from msgspec_runner.linting.rules.message.window_without_timezone import window_without_timezone
from msgspec_runner.linting.rules.output.bad_template_value import bad_template_value
from msgspec_runner.linting.rules.output.html_in_text import html_in_text
from msgspec_runner.linting.rules.output.invalid_rendered_field import invalid_rendered_field
from msgspec_runner.linting.rules.output.leftover_braces import leftover_braces
from msgspec_runner.linting.rules.output.many_segments import many_segments
from msgspec_runner.linting.rules.output.past_expiry import past_expiry
from msgspec_runner.linting.rules.output.raw_value import raw_value
from msgspec_runner.linting.rules.output.renders_empty import renders_empty
from msgspec_runner.linting.rules.output.schedule_out_of_range import schedule_out_of_range
from msgspec_runner.linting.rules.output.text_too_long import text_too_long
from msgspec_runner.linting.rules.output.unicode_doubles_segments import unicode_doubles_segments
from msgspec_runner.linting.rules.output.unreachable_destination import unreachable_destination
from msgspec_runner.linting.rules.provider.free_text_on_whatsapp import free_text_on_whatsapp
from msgspec_runner.linting.rules.provider.marketing_to_us import marketing_to_us
from msgspec_runner.linting.rules.provider.media_on_whatsapp import media_on_whatsapp
from msgspec_runner.linting.rules.provider.template_id_format import template_id_format
from msgspec_runner.linting.rules.provider.template_media_mismatch import template_media_mismatch
from msgspec_runner.linting.rules.provider.template_not_approved import template_not_approved
from msgspec_runner.linting.rules.provider.template_not_in_catalog import template_not_in_catalog
from msgspec_runner.linting.rules.provider.template_on_sms import template_on_sms
from msgspec_runner.linting.rules.provider.template_variable_extra import template_variable_extra
from msgspec_runner.linting.rules.provider.template_variable_missing import template_variable_missing
from msgspec_runner.linting.rules.provider.template_variables_shape import template_variables_shape
from msgspec_runner.linting.rules.provider.text_with_template import text_with_template
from msgspec_runner.linting.rules.provider.unknown_template_component import unknown_template_component
from msgspec_runner.linting.rules.recipients.duplicate_recipient import duplicate_recipient
from msgspec_runner.linting.rules.recipients.empty_cell import empty_cell
from msgspec_runner.linting.rules.recipients.empty_recipients import empty_recipients
from msgspec_runner.linting.rules.recipients.invalid_cell import invalid_cell
from msgspec_runner.linting.rules.recipients.invalid_phone_cell import invalid_phone_cell
from msgspec_runner.linting.rules.recipients.missing_column import missing_column
from msgspec_runner.linting.rules.recipients.unassigned_phone_number import unassigned_phone_number
from msgspec_runner.linting.rules.recipients.unreadable_recipients import unreadable_recipients
from msgspec_runner.linting.rules.runner.suppression_changes_text import suppression_changes_text
from msgspec_runner.linting.rules.runner.unknown_suppression import unknown_suppression
from msgspec_runner.linting.rules.runner.unused_suppression import unused_suppression
from msgspec_runner.linting.rules.shape.ambiguous_name import ambiguous_name
from msgspec_runner.linting.rules.shape.comment_cuts_text import comment_cuts_text
from msgspec_runner.linting.rules.shape.duplicate_key import duplicate_key
from msgspec_runner.linting.rules.shape.implicit_type import implicit_type
from msgspec_runner.linting.rules.shape.invalid_yaml import invalid_yaml
from msgspec_runner.linting.rules.shape.invisible_character import invisible_character
from msgspec_runner.linting.rules.shape.missing_field import missing_field
from msgspec_runner.linting.rules.shape.oversized_document import oversized_document
from msgspec_runner.linting.rules.shape.reserved_name import reserved_name
from msgspec_runner.linting.rules.shape.trailing_newline_in_text import trailing_newline_in_text
from msgspec_runner.linting.rules.shape.unknown_field import unknown_field
from msgspec_runner.linting.rules.shape.unquoted_template import unquoted_template
from msgspec_runner.linting.rules.shape.wrong_type import wrong_type

RULES: tuple[Rule, ...] = (
    invalid_yaml,
    duplicate_key,
    unquoted_template,
    implicit_type,
    comment_cuts_text,
    trailing_newline_in_text,
    unknown_field,
    missing_field,
    wrong_type,
    oversized_document,
    reserved_name,
    ambiguous_name,
    invisible_character,
    no_content,
    several_media,
    invalid_phone_number,
    invalid_url,
    invalid_schedule,
    unknown_provider,
    undefined_api_field,
    contact_fields_without_save,
    duplicate_spec_id,
    window_without_timezone,
    template_on_sms,
    template_id_format,
    template_variables_shape,
    unknown_template_component,
    template_not_in_catalog,
    template_variable_missing,
    template_variable_extra,
    template_media_mismatch,
    template_not_approved,
    marketing_to_us,
    media_on_whatsapp,
    text_with_template,
    free_text_on_whatsapp,
    template_syntax,
    undefined_variable,
    unknown_filter,
    filter_type_mismatch,
    constant_condition,
    optional_without_default,
    unsafe_expression,
    sociocs_dynamic_field,
    unused_name,
    missing_include,
    branch_never_rendered,
    missing_column,
    invalid_cell,
    invalid_phone_cell,
    duplicate_recipient,
    empty_cell,
    unreadable_recipients,
    unassigned_phone_number,
    empty_recipients,
    renders_empty,
    text_too_long,
    many_segments,
    unicode_doubles_segments,
    bad_template_value,
    leftover_braces,
    schedule_out_of_range,
    unreachable_destination,
    invalid_rendered_field,
    html_in_text,
    past_expiry,
    raw_value,
    no_opt_out,
    public_shortener,
    quiet_hours,
    unused_suppression,
    unknown_suppression,
    suppression_changes_text,
)
"""All rules."""
