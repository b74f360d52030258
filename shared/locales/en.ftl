# What people read in English. A message is named after the template that it belongs to: its value
# is the subject of a mail or the text of an SMS, its attributes are the parts of the mail.
# A mail must hold no six-digit number but its code, and no link but its own.

## Parts of others

code = Code
when = When
until = Until
from = From
client = What it said it was
new_address = New address
new_number = New number
unknown_address = an unknown address
unknown_client = nothing
moment = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }, { $time } UTC
minutes = { $minutes ->
    [one] one minute
   *[other] { $minutes } minutes
}
link_minutes = { $link_minutes ->
    [one] one minute
   *[other] { $link_minutes } minutes
}
hours = { $hours ->
    [one] one hour
   *[other] { $hours } hours
}
days = { $days ->
    [one] one day
   *[other] { $days } days
}

## Signing up

verify_email = Confirm your email address for { $app }
    .heading = Confirm your email address
    .enter = Enter this code where you signed up for { $app }:
    .open = Or open this link and press the button there:
    .button = Confirm address
    .life = The code works for { minutes } and the link for { hours } after you asked for them. Using one of them ends both.
    .ignore = If you didn't ask for this, ignore this mail: nothing happens without the code or the link, so give them to nobody.

sign_up_repeated = You already have an account at { $app }
    .heading = You already have an account
    .tried = Somebody, maybe you, tried to sign up for { $app } with this email address. It already has an account, and nothing about it was changed.
    .yours = If it was you, sign in with this address. If you don't remember the password, reset it where you sign in.
    .ignore = If it wasn't you, there is nothing to do: nobody was told that this address has an account.

otp = Your code for { $app }
    .heading = Your code
    .enter = Enter this code where { $app } asks for it:
    .life = It works once, for { minutes } after you asked for it.
    .ignore = If you didn't ask for it, ignore this mail: nothing happens without the code, so give it to nobody.

otp_sms = { $app }: your code is { $code }. It works for { minutes }. Give it to nobody.

## Sessions

session_ended_by_reuse = We signed one of your devices out of { $app }
    .heading = We signed one of your devices out
    .reused = A sign-in to your { $app } account was used again after it had been replaced. That can mean that somebody copied it, so we ended that session.
    .yours = If that was your own device, for instance one restored from a backup, sign in on it again.
    .stolen = If it wasn't you, change your password now and end the sessions that you don't know.

account_locked = Wrong passwords for your { $app } account
    .heading = Wrong passwords for your account
    .locked = Somebody tried several wrong passwords for your { $app } account. So that they can't go on guessing, we refuse every password for a while: at least a minute, at most a quarter of an hour after the last wrong one. This is where the last one came from:
    .yours = If it was you, wait a little and try again. If you don't remember the password, reset it where you sign in.
    .stranger = If it wasn't you, nobody got in. Devices that you have signed in on before still let you in, unless the wrong passwords came from there. A password that you use nowhere else is nothing to worry about.

passkey_added = A passkey was added to your { $app } account
    .heading = A passkey was added
    .added = Your { $app } account can be opened with another passkey from now on. This is where it was added from:
    .yours = If that was you, there is nothing to do.
    .stranger = If it wasn't you, somebody is signed in to your account. Remove the passkey, change your password now and end the sessions that you don't know.

passkey_removed = A passkey was removed from your { $app } account
    .heading = A passkey was removed
    .removed = One of your passkeys no longer opens your { $app } account. This is where it was removed from:
    .yours = If that was you, there is nothing to do. You can delete the passkey from your device too.
    .stranger = If it wasn't you, somebody is signed in to your account. Change your password now and end the sessions that you don't know.

passkey_cloned = We refused a passkey of your { $app } account
    .heading = We refused a passkey
    .refused = One of your passkeys was used in a way that a copy of it would be: its counter went back. So we did not let it in to your { $app } account. This is where it was used from:
    .yours = If it was you, try again. If it is refused again, sign in another way, remove that passkey and add a new one.
    .stranger = If it wasn't you, somebody may have a copy of your security key. Remove that passkey from your account.

step_up = Confirm to { $app } that it is you
    .heading = Confirm that it is you
    .enter = Enter this code where { $app } asks for it before you go on:
    .life = It works once, for { minutes } after you asked for it.
    .stolen = If you didn't ask for it, somebody may be signed in to your account: give the code to nobody, change your password and end the sessions that you don't know.

## Second factors

sign_in_code = Your sign-in code for { $app }
    .heading = Your sign-in code
    .enter = Somebody, hopefully you, is signing in to your { $app } account and has given the right password. Enter this code where { $app } asks for it:
    .life = It works once, for { minutes } after you asked for it.
    .stolen = If it wasn't you, somebody knows your password: give the code to nobody, and change your password now.

confirm_mfa_change = Confirm the change to your second factors for { $app }
    .heading = Confirm the change to your second factors
    .enter = Enter this code where you switch a second factor of your { $app } account on or off, or make new recovery codes:
    .life = It works once, for { minutes } after you asked for it.
    .stolen = If it wasn't you, somebody may be signed in to your account: give the code to nobody, change your password and end the sessions that you don't know.

mfa_enabled = A second factor of your { $app } account was switched on
    .heading = A second factor was switched on
    .totp = The codes of an authenticator app are a second factor of your { $app } account from now on: signing in with the password takes a second factor too. This is where it was switched on from:
    .email = Codes that we mail to you are a second factor of your { $app } account from now on: signing in with the password takes a second factor too. This is where it was switched on from:
    .sms = Codes that we send you by SMS are a second factor of your { $app } account from now on: signing in with the password takes a second factor too. This is where it was switched on from:
    .yours = If that was you, there is nothing to do but to keep your recovery codes where nobody else finds them.
    .stranger = If it wasn't you, somebody is signed in to your account. Change your password now and end the sessions that you don't know. If you can't get in any more or can't switch the second factor off, write to the support of { $app }.

mfa_disabled = The second factor of your { $app } account was switched off
    .heading = A second factor was switched off
    .disabled = Signing in to your { $app } account no longer asks for a second factor that it asked for before. This is where it was switched off from:
    .yours = If that was you, there is nothing to do.
    .stranger = If it wasn't you, somebody is signed in to your account. Change your password now, end the sessions that you don't know and switch the second factor on again.

recovery_codes_made = Your { $app } account has new recovery codes
    .heading = New recovery codes were made
    .made = Your { $app } account has new recovery codes, and those of before no longer work. This is where they were made from:
    .yours = If that was you, keep them where nobody else finds them, and throw the old ones away.
    .stranger = If it wasn't you, somebody is signed in to your account. Change your password now, end the sessions that you don't know and make new recovery codes once more.

recovery_code_used = A recovery code of your { $app } account was used
    .heading = A recovery code was used
    .used = A recovery code stood in for the second factor of your { $app } account. It is used up. This is where it was used from:
    .yours = If that was you, see how many you still have, and make new ones when few are left.
    .stranger = If it wasn't you, somebody has one of your recovery codes and knows your password or is signed in to your account. Change your password now, end the sessions that you don't know and make new recovery codes: that ends the old ones.

second_factor_locked = Wrong second factors for your { $app } account
    .heading = Wrong second factors for your account
    .locked = Somebody tried several wrong codes as the second factor of your { $app } account. They are asked for one only after the right password, or while they are signed in to your account. So that they can't go on guessing, we refuse every code for a while: at least a minute, at most a quarter of an hour after the last wrong one. This is where the last one came from:
    .yours = If it was you, wait a little and try again. If you have lost your second factor, use one of your recovery codes then.
    .stranger = If it wasn't you, somebody knows your password, and only the second factor stopped them. Change your password now and end the sessions that you don't know.

## The password

reset_password = Reset your password for { $app }
    .heading = Set a new password
    .enter = Somebody, hopefully you, forgot the password of your { $app } account. Enter this code where you asked for it:
    .open = Or open this link and set the new password there:
    .button = Set a new password
    .life = The code works for { minutes } and the link for { link_minutes } after you asked for them. Using one of them ends both, and signs you out everywhere.
    .ignore = If you didn't ask for this, ignore this mail: your password stays as it is without the code or the link, so give them to nobody.

change_password = Confirm your new password for { $app }
    .heading = Confirm your new password
    .enter = Enter this code where you chose a new password for your { $app } account:
    .life = It works once, for { minutes } after you asked for it.
    .stolen = If it wasn't you, somebody may be signed in to your account: give the code to nobody, change your password and end the sessions that you don't know.

password_changed = The password of your { $app } account was changed
    .heading = Your password was changed
    .changed = The password of your { $app } account was changed, and all other devices were signed out.
    .yours = If that was you, there is nothing to do.
    .stolen = If it wasn't you, open this link and press the button there:
    .button = That wasn't me
    .undo = The link works for { days }. It signs everybody out, and nobody can sign in until you have set a new password.

## The address and the phone number

change_email = Confirm your new email address for { $app }
    .heading = Confirm your new address
    .enter = Somebody, hopefully you, wants to use this address for an account at { $app }. Enter this code where you changed it:
    .life = It works once, for { minutes } after you asked for it.
    .ignore = If it wasn't you, ignore this mail: nothing happens without the code, so give it to nobody.

email_changed = The email address of your { $app } account was changed
    .heading = Your email address was changed
    .changed = Your { $app } account has another email address from now on, and our mails go there.
    .yours = If that was you, there is nothing to do.
    .stolen = If it wasn't you, open this link and press the button there:
    .button = That wasn't me
    .undo = The link works for { days }. It brings this address back and signs everybody out, and nobody can sign in until you have set a new password.

email_confirmed = This is now the address of your { $app } account
    .heading = Your new address is confirmed
    .changed = This is the email address of your { $app } account from now on: sign in with it, and find our mails here.
    .stolen = If you didn't change it, change your password now and end the sessions that you don't know.

address_wanted = Your email address belongs to an account at { $app }
    .heading = Your address stays where it is
    .tried = Somebody, maybe you, tried to give another { $app } account this email address. It already has an account, and nothing about it was changed.
    .yours = If it was you, sign in with this address, or choose another one for the other account.
    .ignore = If it wasn't you, there is nothing to do: nobody was told that this address has an account.

phone_changed = The phone number of your { $app } account was changed
    .heading = Your phone number was changed
    .changed = Your { $app } account has another phone number from now on.
    .yours = If that was you, there is nothing to do.
    .stolen = If it wasn't you, open this link and press the button there:
    .button = That wasn't me
    .undo = The link works for { days }. It undoes the change and signs everybody out, and nobody can sign in until you have set a new password.

change_phone = { $app }: { $code } confirms your new number. It works for { minutes }. Give it to nobody.

phone_changed_sms = { $app }: your account has another phone number now. If that wasn't you, follow the mail that we sent you.

## The account

account_held = Set a new password for { $app }
    .heading = Everybody was signed out
    .held = You told us that it wasn't you who changed your { $app } account. So we signed out every device, and nobody can sign in with the password of before.
    .next = To get in again, say that you forgot the password where you sign in, and set a new one.

account_deleted = Your { $app } account was deleted
    .heading = Your account was deleted
    .gone = Your { $app } account and everything in it are gone, and can't be brought back.
    .stolen = If it wasn't you who deleted it, write to the support of { $app }.

account_active = Your { $app } account is active again
    .heading = Your account is active again
    .now = Your { $app } account is active again from now on.
    .next = Sign in as before. The devices that you were signed in on before have to sign in anew.

account_blocked = Your { $app } account is blocked
    .heading = Your account is blocked
    .now = Your { $app } account was blocked, and every device was signed out.
    .next = If you think that this is a mistake, write to the support of { $app }.

account_paused = Your { $app } account is paused
    .heading = Your account is paused
    .now = Your { $app } account was paused, and every device was signed out. Nothing in it was lost.
    .next = If you want to use it again, write to the support of { $app }.

account_deactivated = Your { $app } account was deactivated
    .heading = Your account was deactivated
    .now = Your { $app } account was deactivated, and every device was signed out. Nothing in it was lost.
    .next = If you want it back, write to the support of { $app }.

account_banned = Your { $app } account was banned
    .heading = Your account was banned
    .now = Your { $app } account was banned, and every device was signed out.
    .next = If you think that this is a mistake, write to the support of { $app }.

account_secured = Set a new password for your { $app } account
    .heading = Your account is held for its safety
    .now = Somebody else may know the password of your { $app } account. So we signed out every device, and nobody can sign in with that password.
    .next = To get in again, say that you forgot the password where you sign in, and set a new one.
