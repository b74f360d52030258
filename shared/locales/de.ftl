# Was Menschen auf Deutsch lesen: dieselben Nachrichten wie in `en.ftl`, in der Sie-Form.

## Teile anderer Nachrichten

code = Code
when = Wann
until = Bis
from = Von
client = Angegebenes Gerät
new_address = Neue Adresse
new_number = Neue Nummer
unknown_address = einer unbekannten Adresse
unknown_client = keines
moment = { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
} { $year }, { $time } UTC
minutes = { $minutes ->
    [one] eine Minute
   *[other] { $minutes } Minuten
}
link_minutes = { $link_minutes ->
    [one] eine Minute
   *[other] { $link_minutes } Minuten
}
hours = { $hours ->
    [one] eine Stunde
   *[other] { $hours } Stunden
}
days = { $days ->
    [one] einen Tag
   *[other] { $days } Tage
}

## Registrieren

verify_email = Bestätigen Sie Ihre E-Mail-Adresse für { $app }
    .heading = Bestätigen Sie Ihre E-Mail-Adresse
    .enter = Geben Sie diesen Code dort ein, wo Sie sich bei { $app } registriert haben:
    .open = Oder öffnen Sie diesen Link und drücken Sie dort auf die Schaltfläche:
    .button = Adresse bestätigen
    .life = Der Code gilt { minutes } und der Link { hours } ab Ihrer Anfrage. Sobald Sie einen davon benutzt haben, gelten beide nicht mehr.
    .ignore = Wenn Sie das nicht angefordert haben, ignorieren Sie diese Mail: Ohne den Code oder den Link passiert nichts. Geben Sie sie deshalb an niemanden weiter.

sign_up_repeated = Sie haben schon ein Konto bei { $app }
    .heading = Sie haben schon ein Konto
    .tried = Jemand, vielleicht Sie selbst, wollte sich mit dieser E-Mail-Adresse bei { $app } registrieren. Zu ihr gibt es schon ein Konto, und daran wurde nichts geändert.
    .yours = Wenn Sie das waren, melden Sie sich mit dieser Adresse an. Falls Sie das Passwort nicht mehr wissen, können Sie es dort zurücksetzen, wo Sie sich anmelden.
    .ignore = Wenn Sie das nicht waren, müssen Sie nichts tun: Niemand hat erfahren, dass es zu dieser Adresse ein Konto gibt.

otp = Ihr Code für { $app }
    .heading = Ihr Code
    .enter = Geben Sie diesen Code dort ein, wo { $app } danach fragt:
    .life = Er gilt einmal und { minutes } lang ab Ihrer Anfrage.
    .ignore = Wenn Sie ihn nicht angefordert haben, ignorieren Sie diese Mail: Ohne den Code passiert nichts. Geben Sie ihn deshalb an niemanden weiter.

otp_sms = { $app }: Ihr Code ist { $code }. Er gilt { minutes } lang. Geben Sie ihn an niemanden weiter.

## Sitzungen

session_ended_by_reuse = Wir haben eines Ihrer Geräte von { $app } abgemeldet
    .heading = Wir haben eines Ihrer Geräte abgemeldet
    .reused = Eine Anmeldung bei Ihrem { $app }-Konto wurde noch einmal benutzt, nachdem sie ersetzt worden war. Das kann heißen, dass jemand sie kopiert hat. Deshalb haben wir diese Sitzung beendet.
    .yours = Wenn das Ihr eigenes Gerät war, zum Beispiel eines, das Sie aus einem Backup wiederhergestellt haben, melden Sie sich dort wieder an.
    .stolen = Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort und beenden Sie die Sitzungen, die Sie nicht kennen.

account_locked = Falsche Passwörter für Ihr { $app }-Konto
    .heading = Falsche Passwörter für Ihr Konto
    .locked = Jemand hat mehrere falsche Passwörter für Ihr { $app }-Konto versucht. Damit das Raten nicht weitergeht, nehmen wir eine Weile gar kein Passwort an: mindestens eine Minute, höchstens eine Viertelstunde nach dem letzten falschen. Von hier kam das letzte:
    .yours = Wenn Sie das waren, warten Sie ein wenig und versuchen Sie es noch einmal. Wenn Sie das Passwort nicht mehr wissen, setzen Sie es dort zurück, wo Sie sich anmelden.
    .stranger = Wenn Sie das nicht waren: Niemand ist hineingekommen. Auf Geräten, auf denen Sie sich schon angemeldet haben, kommen Sie weiterhin hinein, außer die falschen Passwörter kamen von dort. Mit einem Passwort, das Sie nirgends sonst benutzen, müssen Sie sich keine Sorgen machen.

passkey_added = Ein neuer Passkey für Ihr { $app }-Konto
    .heading = Ein Passkey wurde hinzugefügt
    .added = Ihr { $app }-Konto lässt sich ab jetzt mit einem weiteren Passkey öffnen. Von hier wurde er hinzugefügt:
    .yours = Wenn Sie das waren, müssen Sie nichts tun.
    .stranger = Wenn Sie das nicht waren, ist jemand in Ihrem Konto angemeldet. Entfernen Sie den Passkey, ändern Sie jetzt Ihr Passwort und beenden Sie die Sitzungen, die Sie nicht kennen.

passkey_removed = Ein Passkey Ihres { $app }-Kontos wurde entfernt
    .heading = Ein Passkey wurde entfernt
    .removed = Einer Ihrer Passkeys öffnet Ihr { $app }-Konto nicht mehr. Von hier wurde er entfernt:
    .yours = Wenn Sie das waren, müssen Sie nichts tun. Sie können den Passkey auch von Ihrem Gerät löschen.
    .stranger = Wenn Sie das nicht waren, ist jemand in Ihrem Konto angemeldet. Ändern Sie jetzt Ihr Passwort und beenden Sie die Sitzungen, die Sie nicht kennen.

passkey_cloned = Wir haben einen Passkey Ihres { $app }-Kontos abgelehnt
    .heading = Wir haben einen Passkey abgelehnt
    .refused = Einer Ihrer Passkeys wurde so benutzt, wie es bei einer Kopie wäre: Sein Zähler ist zurückgegangen. Deshalb haben wir ihn nicht in Ihr { $app }-Konto gelassen. Von hier wurde er benutzt:
    .yours = Wenn Sie das waren, versuchen Sie es noch einmal. Wird er wieder abgelehnt, melden Sie sich anders an, entfernen Sie diesen Passkey und fügen Sie einen neuen hinzu.
    .stranger = Wenn Sie das nicht waren, hat vielleicht jemand eine Kopie Ihres Sicherheitsschlüssels. Entfernen Sie diesen Passkey aus Ihrem Konto.

step_up = Bestätigen Sie bei { $app }, dass Sie es sind
    .heading = Bestätigen Sie, dass Sie es sind
    .enter = Geben Sie diesen Code dort ein, wo { $app } danach fragt, bevor es weitergeht:
    .life = Er gilt einmal und { minutes } lang ab Ihrer Anfrage.
    .stolen = Wenn Sie ihn nicht angefordert haben, ist vielleicht jemand anders in Ihrem Konto angemeldet: Geben Sie den Code an niemanden weiter, ändern Sie Ihr Passwort und beenden Sie die Sitzungen, die Sie nicht kennen.

## Zweite Faktoren

sign_in_code = Ihr Code zum Anmelden bei { $app }
    .heading = Ihr Code zum Anmelden
    .enter = Jemand, hoffentlich Sie selbst, meldet sich bei Ihrem { $app }-Konto an und hat das richtige Passwort angegeben. Geben Sie diesen Code dort ein, wo { $app } danach fragt:
    .life = Er gilt einmal und { minutes } lang ab Ihrer Anfrage.
    .stolen = Wenn Sie das nicht waren, kennt jemand Ihr Passwort: Geben Sie den Code an niemanden weiter und ändern Sie jetzt Ihr Passwort.

confirm_mfa_change = Bestätigen Sie die Änderung Ihrer zweiten Faktoren für { $app }
    .heading = Bestätigen Sie die Änderung Ihrer zweiten Faktoren
    .enter = Geben Sie diesen Code dort ein, wo Sie für Ihr { $app }-Konto einen zweiten Faktor ein- oder ausschalten oder neue Wiederherstellungscodes anfordern:
    .life = Er gilt einmal und { minutes } lang ab Ihrer Anfrage.
    .stolen = Wenn Sie das nicht waren, ist vielleicht jemand anders in Ihrem Konto angemeldet: Geben Sie den Code an niemanden weiter, ändern Sie Ihr Passwort und beenden Sie die Sitzungen, die Sie nicht kennen.

mfa_enabled = Ein zweiter Faktor Ihres { $app }-Kontos wurde eingeschaltet
    .heading = Ein zweiter Faktor wurde eingeschaltet
    .totp = Die Codes einer Authenticator-App sind ab jetzt ein zweiter Faktor Ihres { $app }-Kontos: Wer sich mit dem Passwort anmeldet, braucht auch einen zweiten Faktor. Von hier wurde er eingeschaltet:
    .email = Codes, die wir Ihnen per Mail schicken, sind ab jetzt ein zweiter Faktor Ihres { $app }-Kontos: Wer sich mit dem Passwort anmeldet, braucht auch einen zweiten Faktor. Von hier wurde er eingeschaltet:
    .sms = Codes, die wir Ihnen per SMS schicken, sind ab jetzt ein zweiter Faktor Ihres { $app }-Kontos: Wer sich mit dem Passwort anmeldet, braucht auch einen zweiten Faktor. Von hier wurde er eingeschaltet:
    .yours = Wenn Sie das waren, müssen Sie nur noch Ihre Wiederherstellungscodes dort aufbewahren, wo niemand sonst sie findet.
    .stranger = Wenn Sie das nicht waren, ist jemand in Ihrem Konto angemeldet. Ändern Sie jetzt Ihr Passwort und beenden Sie die Sitzungen, die Sie nicht kennen. Wenn Sie nicht mehr hineinkommen oder den zweiten Faktor nicht ausschalten können, wenden Sie sich an den Support von { $app }.

mfa_disabled = Der zweite Faktor Ihres { $app }-Kontos wurde ausgeschaltet
    .heading = Ein zweiter Faktor wurde ausgeschaltet
    .disabled = Beim Anmelden bei Ihrem { $app }-Konto wird ein zweiter Faktor nicht mehr verlangt, der es bisher wurde. Von hier wurde er ausgeschaltet:
    .yours = Wenn Sie das waren, müssen Sie nichts tun.
    .stranger = Wenn Sie das nicht waren, ist jemand in Ihrem Konto angemeldet. Ändern Sie jetzt Ihr Passwort, beenden Sie die Sitzungen, die Sie nicht kennen, und schalten Sie den zweiten Faktor wieder ein.

recovery_codes_made = Ihr { $app }-Konto hat neue Wiederherstellungscodes
    .heading = Es gibt neue Wiederherstellungscodes
    .made = Ihr { $app }-Konto hat neue Wiederherstellungscodes, und die bisherigen gelten nicht mehr. Von hier wurden sie angefordert:
    .yours = Wenn Sie das waren, bewahren Sie sie dort auf, wo niemand sonst sie findet, und werfen Sie die alten weg.
    .stranger = Wenn Sie das nicht waren, ist jemand in Ihrem Konto angemeldet. Ändern Sie jetzt Ihr Passwort, beenden Sie die Sitzungen, die Sie nicht kennen, und fordern Sie noch einmal neue Wiederherstellungscodes an.

recovery_code_used = Ein Wiederherstellungscode Ihres { $app }-Kontos wurde benutzt
    .heading = Ein Wiederherstellungscode wurde benutzt
    .used = Statt des zweiten Faktors wurde bei Ihrem { $app }-Konto ein Wiederherstellungscode benutzt. Er ist damit verbraucht. Von hier wurde er benutzt:
    .yours = Wenn Sie das waren, sehen Sie nach, wie viele Sie noch haben, und fordern Sie neue an, wenn es nur noch wenige sind.
    .stranger = Wenn Sie das nicht waren, hat jemand einen Ihrer Wiederherstellungscodes und kennt Ihr Passwort oder ist in Ihrem Konto angemeldet. Ändern Sie jetzt Ihr Passwort, beenden Sie die Sitzungen, die Sie nicht kennen, und fordern Sie neue Wiederherstellungscodes an: Die alten gelten dann nicht mehr.

second_factor_locked = Falsche zweite Faktoren für Ihr { $app }-Konto
    .heading = Falsche zweite Faktoren für Ihr Konto
    .locked = Jemand hat mehrere falsche Codes als zweiten Faktor Ihres { $app }-Kontos versucht. Danach gefragt wird nur, wer das richtige Passwort angegeben hat oder schon in Ihrem Konto angemeldet ist. Damit das Raten nicht weitergeht, nehmen wir eine Weile gar keinen Code an: mindestens eine Minute, höchstens eine Viertelstunde nach dem letzten falschen. Von hier kam der letzte:
    .yours = Wenn Sie das waren, warten Sie ein wenig und versuchen Sie es noch einmal. Wenn Sie Ihren zweiten Faktor verloren haben, benutzen Sie dann einen Ihrer Wiederherstellungscodes.
    .stranger = Wenn Sie das nicht waren, kennt jemand Ihr Passwort, und nur der zweite Faktor hat ihn aufgehalten. Ändern Sie jetzt Ihr Passwort und beenden Sie die Sitzungen, die Sie nicht kennen.

## Das Passwort

reset_password = Setzen Sie Ihr Passwort für { $app } zurück
    .heading = Legen Sie ein neues Passwort fest
    .enter = Jemand, hoffentlich Sie selbst, hat das Passwort Ihres { $app }-Kontos vergessen. Geben Sie diesen Code dort ein, wo Sie ihn angefordert haben:
    .open = Oder öffnen Sie diesen Link und legen Sie dort das neue Passwort fest:
    .button = Neues Passwort festlegen
    .life = Der Code gilt { minutes } und der Link { link_minutes } ab Ihrer Anfrage. Sobald Sie einen davon benutzt haben, gelten beide nicht mehr, und Sie sind überall abgemeldet.
    .ignore = Wenn Sie das nicht angefordert haben, ignorieren Sie diese Mail: Ohne den Code oder den Link bleibt Ihr Passwort, wie es ist. Geben Sie sie deshalb an niemanden weiter.

change_password = Bestätigen Sie Ihr neues Passwort für { $app }
    .heading = Bestätigen Sie Ihr neues Passwort
    .enter = Geben Sie diesen Code dort ein, wo Sie das neue Passwort für Ihr { $app }-Konto gewählt haben:
    .life = Er gilt einmal und { minutes } lang ab Ihrer Anfrage.
    .stolen = Wenn Sie das nicht waren, ist vielleicht jemand anders in Ihrem Konto angemeldet: Geben Sie den Code an niemanden weiter, ändern Sie Ihr Passwort und beenden Sie die Sitzungen, die Sie nicht kennen.

password_changed = Das Passwort Ihres { $app }-Kontos wurde geändert
    .heading = Ihr Passwort wurde geändert
    .changed = Das Passwort Ihres { $app }-Kontos wurde geändert, und alle anderen Geräte wurden abgemeldet.
    .yours = Wenn Sie das waren, müssen Sie nichts tun.
    .stolen = Wenn Sie das nicht waren, öffnen Sie diesen Link und drücken Sie dort auf die Schaltfläche:
    .button = Das war ich nicht
    .undo = Der Link gilt { days }. Er meldet alle ab, und niemand kann sich anmelden, bis Sie ein neues Passwort festgelegt haben.

## Die Adresse und die Telefonnummer

change_email = Bestätigen Sie Ihre neue E-Mail-Adresse für { $app }
    .heading = Bestätigen Sie Ihre neue Adresse
    .enter = Jemand, hoffentlich Sie selbst, möchte diese Adresse für ein Konto bei { $app } benutzen. Geben Sie diesen Code dort ein, wo Sie sie geändert haben:
    .life = Er gilt einmal und { minutes } lang ab Ihrer Anfrage.
    .ignore = Wenn Sie das nicht waren, ignorieren Sie diese Mail: Ohne den Code passiert nichts. Geben Sie ihn deshalb an niemanden weiter.

email_changed = Die E-Mail-Adresse Ihres { $app }-Kontos wurde geändert
    .heading = Ihre E-Mail-Adresse wurde geändert
    .changed = Ihr { $app }-Konto hat ab jetzt eine andere E-Mail-Adresse, und unsere Mails gehen dorthin.
    .yours = Wenn Sie das waren, müssen Sie nichts tun.
    .stolen = Wenn Sie das nicht waren, öffnen Sie diesen Link und drücken Sie dort auf die Schaltfläche:
    .button = Das war ich nicht
    .undo = Der Link gilt { days }. Er bringt diese Adresse zurück und meldet alle ab, und niemand kann sich anmelden, bis Sie ein neues Passwort festgelegt haben.

email_confirmed = Das ist jetzt die Adresse Ihres { $app }-Kontos
    .heading = Ihre neue Adresse ist bestätigt
    .changed = Das ist ab jetzt die E-Mail-Adresse Ihres { $app }-Kontos: Melden Sie sich mit ihr an. Unsere Mails finden Sie hier.
    .stolen = Wenn Sie sie nicht geändert haben, ändern Sie jetzt Ihr Passwort und beenden Sie die Sitzungen, die Sie nicht kennen.

address_wanted = Ihre E-Mail-Adresse gehört zu einem Konto bei { $app }
    .heading = Ihre Adresse bleibt, wo sie ist
    .tried = Jemand, vielleicht Sie selbst, wollte diese E-Mail-Adresse für ein anderes Konto bei { $app } benutzen. Zu ihr gibt es schon ein Konto, und daran wurde nichts geändert.
    .yours = Wenn Sie das waren, melden Sie sich mit dieser Adresse an, oder wählen Sie für das andere Konto eine andere.
    .ignore = Wenn Sie das nicht waren, müssen Sie nichts tun: Niemand hat erfahren, dass es zu dieser Adresse ein Konto gibt.

phone_changed = Die Telefonnummer Ihres { $app }-Kontos wurde geändert
    .heading = Ihre Telefonnummer wurde geändert
    .changed = Ihr { $app }-Konto hat ab jetzt eine andere Telefonnummer.
    .yours = Wenn Sie das waren, müssen Sie nichts tun.
    .stolen = Wenn Sie das nicht waren, öffnen Sie diesen Link und drücken Sie dort auf die Schaltfläche:
    .button = Das war ich nicht
    .undo = Der Link gilt { days }. Er macht die Änderung rückgängig und meldet alle ab, und niemand kann sich anmelden, bis Sie ein neues Passwort festgelegt haben.

change_phone = { $app }: { $code } bestätigt Ihre neue Nummer. Der Code gilt { minutes } lang. Geben Sie ihn an niemanden weiter.

phone_changed_sms = { $app }: Ihr Konto hat jetzt eine andere Telefonnummer. Wenn Sie das nicht waren, folgen Sie der Mail, die wir Ihnen geschickt haben.

## Das Konto

account_held = Legen Sie ein neues Passwort für { $app } fest
    .heading = Alle wurden abgemeldet
    .held = Sie haben uns gesagt, dass nicht Sie Ihr { $app }-Konto geändert haben. Deshalb haben wir alle Geräte abgemeldet, und mit dem bisherigen Passwort kann sich niemand mehr anmelden.
    .next = Damit Sie wieder hineinkommen, geben Sie bei der Anmeldung an, dass Sie das Passwort vergessen haben, und legen Sie ein neues fest.

account_deleted = Ihr { $app }-Konto wurde gelöscht
    .heading = Ihr Konto wurde gelöscht
    .gone = Ihr { $app }-Konto und alles darin sind gelöscht und lassen sich nicht wiederherstellen.
    .stolen = Wenn nicht Sie es gelöscht haben, wenden Sie sich an den Support von { $app }.

account_active = Ihr { $app }-Konto ist wieder aktiv
    .heading = Ihr Konto ist wieder aktiv
    .now = Ihr { $app }-Konto ist ab jetzt wieder aktiv.
    .next = Melden Sie sich an wie bisher. Die Geräte, auf denen Sie vorher angemeldet waren, müssen sich neu anmelden.

account_blocked = Ihr { $app }-Konto ist gesperrt
    .heading = Ihr Konto ist gesperrt
    .now = Ihr { $app }-Konto wurde gesperrt, und alle Geräte wurden abgemeldet.
    .next = Wenn Sie das für einen Irrtum halten, wenden Sie sich an den Support von { $app }.

account_paused = Ihr { $app }-Konto ruht
    .heading = Ihr Konto ruht
    .now = Ihr { $app }-Konto wurde stillgelegt, und alle Geräte wurden abgemeldet. Nichts darin ging verloren.
    .next = Wenn Sie es wieder nutzen möchten, wenden Sie sich an den Support von { $app }.

account_deactivated = Ihr { $app }-Konto wurde deaktiviert
    .heading = Ihr Konto wurde deaktiviert
    .now = Ihr { $app }-Konto wurde deaktiviert, und alle Geräte wurden abgemeldet. Nichts darin ging verloren.
    .next = Wenn Sie es zurückhaben möchten, wenden Sie sich an den Support von { $app }.

account_banned = Ihr { $app }-Konto wurde dauerhaft gesperrt
    .heading = Ihr Konto wurde dauerhaft gesperrt
    .now = Ihr { $app }-Konto wurde dauerhaft gesperrt, und alle Geräte wurden abgemeldet.
    .next = Wenn Sie das für einen Irrtum halten, wenden Sie sich an den Support von { $app }.

account_secured = Legen Sie ein neues Passwort für Ihr { $app }-Konto fest
    .heading = Ihr Konto ist zu seiner Sicherheit gesperrt
    .now = Jemand anderes kennt vielleicht das Passwort Ihres { $app }-Kontos. Deshalb haben wir alle Geräte abgemeldet, und mit diesem Passwort kann sich niemand mehr anmelden.
    .next = Damit Sie wieder hineinkommen, geben Sie bei der Anmeldung an, dass Sie das Passwort vergessen haben, und legen Sie ein neues fest.
